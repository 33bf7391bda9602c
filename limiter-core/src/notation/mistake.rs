//! What can be wrong with a text, and the one table that says how each mistake is worded.

/// What is wrong with which bytes of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Empty,
    LeadingDelimiter,
    DoubledDelimiter,
    TrailingDelimiter,
    Amount,
    AmountMissing,
    AmountTooLarge,
    Signed,
    DecimalAmount,
    DecimalMultiple,
    DecimalBurst,
    Grouped,
    Shortened,
    Per,
    PerMissing,
    PerBeforeUnit,
    OtherPer,
    DoubledPer,
    MultipleTooLarge,
    Unit,
    UnitMissing,
    MinuteOrMonth,
    WeekAbbreviated,
    MonthAbbreviated,
    YearAbbreviated,
    Microsecond,
    WindowTooLong,
    Burst,
    BurstMissing,
    BurstTooLarge,
    Colon,
    OtherDelimiter,
    DelimiterMissing,
    Trailing,
    SeveralLimits,
}

impl Kind {
    /// The one table of messages.
    pub(super) const fn wording(self) -> Wording {
        const UNIT: &str = "a unit (millisecond, second, minute, hour, day, week, month, year)";
        const PER: &str = "`/` or `per` between the amount and the unit";
        const DELIMITER: &str = "`,`, `;` or `|` between two limits";
        const DIGITS: &str = "a number in the digits 0 to 9";
        const WHOLE: &str = "a whole number";
        const AFTER_DELIMITER: &str = "a limit after the delimiter";
        const ONE_PER: &str = "write `/` or `per`, and only once";
        const BURST: &str = "write it as in `10/second burst 20`";

        match self {
            Self::Empty => Wording::nothing("one or several limits"),
            Self::LeadingDelimiter => Wording::found("a limit before the delimiter")
                .hint("a delimiter stands between two limits: leave the first one out"),
            Self::DoubledDelimiter => Wording::found(AFTER_DELIMITER)
                .hint("write exactly one delimiter between two limits"),
            Self::TrailingDelimiter => Wording::nothing_after(AFTER_DELIMITER)
                .hint("a delimiter stands between two limits: leave the last one out"),

            Self::Amount => Wording::found("an amount in the digits 0 to 9"),
            Self::AmountMissing => Wording::found("an amount before `/` or `per`"),
            Self::AmountTooLarge => Wording::found("an amount of at most 999999999999999"),
            Self::Signed => Wording::found("a number without a sign")
                .hint("leave the sign out; `0/minute` admits nothing"),
            Self::DecimalAmount => {
                Wording::found(WHOLE).hint("write `3 per 2 minutes` instead of `1.5/minute`")
            }
            Self::DecimalMultiple => Wording::found(WHOLE)
                .hint("write `10 per 90 seconds` instead of `10 per 1.5 minutes`"),
            Self::DecimalBurst => Wording::found(WHOLE),
            Self::Grouped => {
                Wording::found(DIGITS).hint("write `1000` instead of `1,000` or `1_000`")
            }
            Self::Shortened => Wording::found(DIGITS).hint("write `1000` instead of `1e3` or `1k`"),

            Self::Per => Wording::found(PER),
            Self::PerMissing => Wording::nothing_after("`/` or `per` and a unit"),
            Self::PerBeforeUnit => {
                Wording::found(PER).hint("write `10/minute` instead of `10 minute`")
            }
            Self::OtherPer => {
                Wording::found(PER).hint("write `10 per minute` instead of `10 every minute`")
            }
            Self::DoubledPer => Wording::found(UNIT).hint(ONE_PER),

            Self::MultipleTooLarge => {
                Wording::found("a number of units of at most 4294967295").hint("use a larger unit")
            }
            Self::Unit => Wording::found(UNIT),
            Self::UnitMissing => Wording::nothing_after(UNIT),
            Self::MinuteOrMonth => {
                Wording::found(UNIT).hint("`m` could be minute or month: write `min` or `month`")
            }
            Self::WeekAbbreviated => Wording::found(UNIT).hint("write `week`"),
            Self::MonthAbbreviated => Wording::found(UNIT).hint("write `month`"),
            Self::YearAbbreviated => Wording::found(UNIT).hint("write `year`"),
            Self::Microsecond => Wording::found(UNIT).hint("the shortest window is `1 ms`"),
            Self::WindowTooLong => Wording::found("a window of at most 100000 years of 365 days"),

            Self::Burst => Wording::found("a number after `burst`").hint(BURST),
            Self::BurstMissing => Wording::nothing_after("a number").hint(BURST),
            Self::BurstTooLarge => Wording::found("a burst of at most 999999999999999"),

            Self::Colon => Wording::found(DELIMITER).hint("write `;` instead of `:`"),
            Self::OtherDelimiter => Wording::found(DELIMITER).hint("write `10/hour; 5/minute`"),
            Self::DelimiterMissing => {
                Wording::found(DELIMITER).hint("whitespace does not separate limits: write `;`")
            }
            Self::Trailing => Wording::found("a delimiter (`,`, `;`, `|`) or the end"),
            Self::SeveralLimits => {
                Wording::found("exactly one limit").hint("only one limit is possible here")
            }
        }
    }
}

/// What is said about one kind of mistake: `expected …, found …; hint`.
#[derive(Clone, Copy)]
pub(super) struct Wording {
    pub(super) expected: &'static str,
    /// What stands around the fragment.
    pub(super) found: (&'static str, &'static str),
    pub(super) hint: Option<&'static str>,
}

impl Wording {
    /// The fragment is wrong.
    const fn found(expected: &'static str) -> Self {
        Self { expected, found: ("`", "`"), hint: None }
    }

    /// The fragment is right, and what must follow it is missing.
    const fn nothing_after(expected: &'static str) -> Self {
        Self { expected, found: ("nothing after `", "`"), hint: None }
    }

    /// The fragment is the whole text, and there is nothing in it.
    const fn nothing(expected: &'static str) -> Self {
        Self { expected, found: ("nothing in `", "`"), hint: None }
    }

    const fn hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }
}
