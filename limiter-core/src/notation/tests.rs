//! The notation as a whole, against the reference's documented behaviour.

use super::{
    assert_valid, cursor::whitespace_len, error::NotationError, message::PanicMessage,
    mistake::Kind, parse_many, words::UNITS,
};
use crate::quota::{Quota, Unit};

const _: () = assert_valid("10/minute");
const _: () = assert_valid(" 100/day; 10 PER 2 hours :| 5/s burst 20,1/99999 years\n");

fn quota(amount: u64, multiples: u32, unit: Unit) -> Quota {
    Quota::new(amount, multiples, unit).unwrap()
}

fn mistake(text: &str) -> NotationError {
    match parse_many(text) {
        Ok(quotas) => panic!("{text:?} was accepted as {quotas:?}"),
        Err(error) => error,
    }
}

/// The text is refused, and `fragment` at byte `start` is what is wrong with it.
#[track_caller]
fn assert_mistake(text: &str, start: usize, fragment: &str, kind: Kind) {
    let error = mistake(text);
    let found = (error.mistake().kind, error.span(), error.fragment());
    assert_eq!(found, (kind, start..start + fragment.len(), fragment), "{text:?}");
}

/// Every row of section 3.2 of the reference but the overflowing one.
#[test]
fn every_limit_of_the_reference_has_the_same_meaning() {
    use Unit::{Day, Hour, Minute, Month, Second, Year};

    /// Amount, multiples, unit, and the window in seconds.
    type Meaning = (u64, u32, Unit, u64);

    let rows: &[(&str, &[Meaning])] = &[
        ("10/second", &[(10, 1, Second, 1)]),
        ("10 per second", &[(10, 1, Second, 1)]),
        ("10/SECOND", &[(10, 1, Second, 1)]),
        ("10 PER Second", &[(10, 1, Second, 1)]),
        ("10/seconds", &[(10, 1, Second, 1)]),
        ("10 per 2 hours", &[(10, 2, Hour, 7200)]),
        ("10/2hours", &[(10, 2, Hour, 7200)]),
        ("10 PeR 3 hOuRs", &[(10, 3, Hour, 10800)]),
        ("500/7days", &[(500, 7, Day, 604_800)]),
        ("100/day, 500/7days", &[(100, 1, Day, 86_400), (500, 7, Day, 604_800)]),
        ("  10  /  5   minutes  ", &[(10, 5, Minute, 300)]),
        ("10per5minutes", &[(10, 5, Minute, 300)]),
        ("10perminute", &[(10, 1, Minute, 60)]),
        ("10 perminute", &[(10, 1, Minute, 60)]),
        ("10per minute", &[(10, 1, Minute, 60)]),
        ("10 per\tminute", &[(10, 1, Minute, 60)]),
        ("10\nper\nminute", &[(10, 1, Minute, 60)]),
        ("10/minute\n", &[(10, 1, Minute, 60)]),
        ("10 per 1minute", &[(10, 1, Minute, 60)]),
        ("10 per 60 second", &[(10, 60, Second, 60)]),
        ("0/minute", &[(0, 1, Minute, 60)]),
        ("00010/minute", &[(10, 1, Minute, 60)]),
        ("10/0 minute", &[(10, 1, Minute, 60)]),
        ("1/month", &[(1, 1, Month, 2_592_000)]),
        ("1/months", &[(1, 1, Month, 2_592_000)]),
        ("1/year", &[(1, 1, Year, 31_536_000)]),
        ("1/years", &[(1, 1, Year, 31_536_000)]),
        ("10/Days", &[(10, 1, Day, 86_400)]),
        ("10/dayS", &[(10, 1, Day, 86_400)]),
        ("1/minute;2/hour", &[(1, 1, Minute, 60), (2, 1, Hour, 3600)]),
        ("1/minute|2/hour", &[(1, 1, Minute, 60), (2, 1, Hour, 3600)]),
        ("1/minute,2/hour", &[(1, 1, Minute, 60), (2, 1, Hour, 3600)]),
        ("10/minute ,5/hour", &[(10, 1, Minute, 60), (5, 1, Hour, 3600)]),
        ("10/minute; 10/minute", &[(10, 1, Minute, 60), (10, 1, Minute, 60)]),
        (
            "10 per 1 hour;5 per 1 second|3/day, 2/month",
            &[
                (10, 1, Hour, 3600),
                (5, 1, Second, 1),
                (3, 1, Day, 86_400),
                (2, 1, Month, 2_592_000),
            ],
        ),
        ("10/minute:;5/hour", &[(10, 1, Minute, 60), (5, 1, Hour, 3600)]),
        ("10/minute :;5/hour", &[(10, 1, Minute, 60), (5, 1, Hour, 3600)]),
        ("10/minute:,5/hour", &[(10, 1, Minute, 60), (5, 1, Hour, 3600)]),
        ("1/99999 years", &[(1, 99_999, Year, 99_999 * 31_536_000)]),
        (
            "1/year;1/month;1/day;1/hour;1/minute;1/second",
            &[
                (1, 1, Year, 31_536_000),
                (1, 1, Month, 2_592_000),
                (1, 1, Day, 86_400),
                (1, 1, Hour, 3600),
                (1, 1, Minute, 60),
                (1, 1, Second, 1),
            ],
        ),
    ];
    for (text, expected) in rows {
        let quotas = parse_many(text).unwrap();
        let found: Vec<_> = quotas
            .iter()
            .map(|quota| {
                (quota.amount(), quota.multiples(), quota.unit(), quota.window().as_secs())
            })
            .collect();
        assert_eq!(&found, expected, "{text:?}");
        assert!(quotas.iter().all(|quota| quota.burst().is_none()), "{text:?}");
        assert_valid(text);
    }
}

/// Every row of section 3.3 of the reference that is text and stays refused.
#[test]
fn every_text_the_reference_refuses_is_refused_at_the_wrong_piece() {
    let rows: &[(&str, usize, &str, Kind)] = &[
        ("", 0, "", Kind::Empty),
        (";", 0, ";", Kind::LeadingDelimiter),
        ("1/minute;", 8, ";", Kind::TrailingDelimiter),
        ("; 1/minute", 0, ";", Kind::LeadingDelimiter),
        ("1/minute;;2/hour", 9, ";", Kind::DoubledDelimiter),
        ("1/minute:2/hour", 8, ":", Kind::Colon),
        ("10/minute::;5/hour", 9, "::", Kind::Colon),
        ("1/minute 2/hour", 9, "2/hour", Kind::DelimiterMissing),
        ("1/minute\n2/hour", 9, "2/hour", Kind::DelimiterMissing),
        ("10 per 1 hour and 5 per minute", 14, "and", Kind::OtherDelimiter),
        ("10 / per minute", 5, "per", Kind::DoubledPer),
        ("10 per/minute", 6, "/", Kind::DoubledPer),
        ("10//minute", 3, "/", Kind::DoubledPer),
        ("10", 0, "10", Kind::PerMissing),
        ("10/", 0, "10/", Kind::UnitMissing),
        ("10 per", 0, "10 per", Kind::UnitMissing),
        ("/minute", 0, "/", Kind::AmountMissing),
        ("per minute", 0, "per", Kind::AmountMissing),
        ("10 minute", 3, "minute", Kind::PerBeforeUnit),
        ("10 every minute", 3, "every", Kind::OtherPer),
        ("10 a minute", 3, "a", Kind::OtherPer),
        ("10 in minute", 3, "in", Kind::OtherPer),
        ("10 per minute extra", 14, "extra", Kind::Trailing),
        ("10 per minute # c", 14, "#", Kind::Trailing),
        ("-1/minute", 0, "-1", Kind::Signed),
        ("+1/minute", 0, "+1", Kind::Signed),
        ("10/-1 minute", 3, "-1", Kind::Signed),
        ("1.5/minute", 0, "1.5", Kind::DecimalAmount),
        ("10/1.5 minutes", 3, "1.5", Kind::DecimalMultiple),
        ("1e3/minute", 0, "1e3", Kind::Shortened),
        ("1_000/minute", 0, "1_000", Kind::Grouped),
        ("1,000/minute", 0, "1,000", Kind::Grouped),
        ("ten/minute", 0, "ten", Kind::Amount),
        ("\u{FF11}\u{FF10}/minute", 0, "\u{FF11}\u{FF10}", Kind::Amount),
        ("10/\u{FF4D}inute", 3, "\u{FF4D}inute", Kind::Unit),
        ("1/m", 2, "m", Kind::MinuteOrMonth),
        ("1/y", 2, "y", Kind::YearAbbreviated),
        ("1/decade", 2, "decade", Kind::Unit),
        ("10/minute;5/fortnight", 12, "fortnight", Kind::Unit),
        ("10/minutess", 3, "minutess", Kind::Unit),
        ("1/\u{17F}econd", 2, "\u{17F}econd", Kind::Unit),
    ];
    for &(text, start, fragment, kind) in rows {
        assert_mistake(text, start, fragment, kind);
    }
}

#[test]
fn units_the_reference_lacks_are_accepted() {
    let rows = [
        ("week weeks", Unit::Week),
        ("millisecond milliseconds ms", Unit::Millisecond),
        ("s sec secs", Unit::Second),
        ("min mins", Unit::Minute),
        ("h hr hrs", Unit::Hour),
        ("d", Unit::Day),
    ];
    for (names, unit) in rows {
        for name in names.split(' ') {
            let expected = [quota(10, 1, unit), quota(10, 3, unit)];
            assert_eq!(parse_many(&format!("10/{name};10per3{name}")).unwrap(), expected);
            let name = name.to_uppercase();
            assert_eq!(parse_many(&format!("10/{name}, 10 per 3 {name}")).unwrap(), expected);
        }
    }
    assert_eq!("10 per 250ms".parse::<Quota>().unwrap().window_micros(), 250_000);
}

#[test]
fn abbreviations_that_are_refused_name_the_unit_to_write() {
    let rows = [
        ("m", "`m` could be minute or month: write `min` or `month`"),
        ("M", "`m` could be minute or month: write `min` or `month`"),
        ("w", "write `week`"),
        ("wk", "write `week`"),
        ("mo", "write `month`"),
        ("y", "write `year`"),
        ("yrs", "write `year`"),
        ("us", "the shortest window is `1 ms`"),
        ("\u{B5}s", "the shortest window is `1 ms`"),
    ];
    for (name, hint) in rows {
        let error = mistake(&format!("10 per 2 {name}; 5/hour"));
        assert_eq!((error.hint(), error.fragment(), error.span().start), (Some(hint), name, 9));
    }
}

#[test]
fn burst_is_the_last_part_of_a_limit() {
    let rows = [
        ("10/second burst 20", quota(10, 1, Unit::Second).with_burst(20)),
        ("10 per 2 seconds BURST 20", quota(10, 2, Unit::Second).with_burst(20)),
        ("10/s\tBurst\n\u{2003}020 ", quota(10, 1, Unit::Second).with_burst(20)),
        ("10/s burst20", quota(10, 1, Unit::Second).with_burst(20)),
        ("10/s burst 0", quota(10, 1, Unit::Second).with_burst(0)),
        ("10/s burst 999999999999999", quota(10, 1, Unit::Second).with_burst(Quota::MAX_AMOUNT)),
    ];
    for (text, expected) in rows {
        assert_eq!(text.parse::<Quota>().unwrap(), expected, "{text:?}");
    }
    // The comma is a delimiter here, although it looks like a group of digits.
    assert_eq!(
        parse_many("10/s burst 20,100/day").unwrap(),
        [quota(10, 1, Unit::Second).with_burst(20), quota(100, 1, Unit::Day)],
    );

    assert_mistake("10/s burst", 0, "10/s burst", Kind::BurstMissing);
    assert_mistake("1/d; 10/s burst ; 5/h", 5, "10/s burst", Kind::BurstMissing);
    assert_mistake("10/s burst many", 11, "many", Kind::Burst);
    assert_mistake("10/s burst=20", 10, "=", Kind::Burst);
    assert_mistake("10/s burst -20", 11, "-20", Kind::Signed);
    assert_mistake("10/s burst 1.5", 11, "1.5", Kind::DecimalBurst);
    assert_mistake("10/s burst 1,000", 11, "1,000", Kind::Grouped);
    assert_mistake("10/s burst 1000000000000000", 11, "1000000000000000", Kind::BurstTooLarge);
    assert_mistake("10/s burst 20 burst 30", 14, "burst", Kind::Trailing);
    assert_mistake("10/s bursts 20", 5, "bursts", Kind::Trailing);
    assert_mistake("10/sburst 20", 3, "sburst", Kind::Unit);
    assert_mistake("10 burst 20", 3, "burst", Kind::Per);
}

#[test]
fn numbers_that_do_not_fit_are_refused() {
    assert_eq!("999999999999999/s".parse(), Ok(quota(Quota::MAX_AMOUNT, 1, Unit::Second)));
    assert_eq!("000000000000000000000000000007/s".parse(), Ok(quota(7, 1, Unit::Second)));
    let too_large = ["1000000000000000", "999999999999999999999", "18446744073709551626"];
    for amount in too_large {
        assert_mistake(&format!(" {amount}/second"), 1, amount, Kind::AmountTooLarge);
    }

    assert_eq!("1/4294967295ms".parse(), Ok(quota(1, u32::MAX, Unit::Millisecond)));
    assert_mistake("1/4294967296 ms", 2, "4294967296", Kind::MultipleTooLarge);
    let wraps_around = "18446744073709551617";
    assert_mistake(&format!("1/{wraps_around} ms"), 2, wraps_around, Kind::MultipleTooLarge);

    assert_eq!("1/100000 years".parse(), Ok(quota(1, 100_000, Unit::Year)));
    assert_mistake("1/100001 years", 2, "100001 years", Kind::WindowTooLong);
    assert_mistake("1 per 4294967295 week ; 1/s", 6, "4294967295 week", Kind::WindowTooLong);

    // The messages say the same as the code.
    let says = |text: &str, number: u64| {
        assert!(mistake(text).to_string().contains(&format!("of at most {number}")), "{text}");
    };
    says("1000000000000000/s", Quota::MAX_AMOUNT);
    says("1/s burst 1000000000000000", Quota::MAX_AMOUNT);
    says("1/4294967296 ms", u64::from(u32::MAX));
    says("1/100001 years", Quota::MAX_WINDOW_MICROS / Unit::Year.micros());
}

#[test]
fn common_slips_are_reported_at_the_wrong_piece() {
    let rows: &[(&str, usize, &str, Kind)] = &[
        ("   ", 0, "   ", Kind::Empty),
        (" ; ", 1, ";", Kind::LeadingDelimiter),
        ("1/s ; ", 4, ";", Kind::TrailingDelimiter),
        ("1/s:;", 4, ";", Kind::TrailingDelimiter),
        ("1/s; ,2/s", 5, ",", Kind::DoubledDelimiter),
        ("1/s:", 3, ":", Kind::Colon),
        ("1/s: ;2/s", 3, ":", Kind::Colon),
        ("1/s; 10 ;2/s", 5, "10", Kind::PerMissing),
        ("1/s; 10 per 5 ;2/s", 5, "10 per 5", Kind::UnitMissing),
        ("10/5 /minute", 5, "/", Kind::DoubledPer),
        ("10/perminute", 3, "per", Kind::DoubledPer),
        ("10/period", 3, "period", Kind::Unit),
        ("10/5,100/day", 0, "10/5", Kind::UnitMissing),
        ("10m", 2, "m", Kind::PerBeforeUnit),
        ("10@second", 2, "@", Kind::OtherPer),
        ("10:second", 2, ":", Kind::Per),
        (".5/s", 0, ".5", Kind::DecimalAmount),
        ("5./s", 0, "5.", Kind::DecimalAmount),
        ("-1.5/s", 0, "-1.5", Kind::Signed),
        ("-/s", 0, "-", Kind::Amount),
        ("1'000'000/s", 0, "1'000'000", Kind::Grouped),
        ("1 000 000/s", 0, "1 000 000", Kind::Grouped),
        ("1,000,000 per day", 0, "1,000,000", Kind::Grouped),
        ("100,000/s", 0, "100,000", Kind::Grouped),
        ("1000,000/s", 0, "1000", Kind::PerMissing),
        ("1,00/s", 0, "1", Kind::PerMissing),
        ("10 per 1,000 s", 7, "1,000", Kind::Grouped),
        ("1e-3/s", 0, "1e-3", Kind::Shortened),
        ("1k/s", 0, "1k", Kind::Shortened),
        ("1kb/s", 1, "kb", Kind::Per),
        ("1egg/s", 1, "egg", Kind::Per),
        ("10/(s)", 3, "(", Kind::Unit),
        ("10/minute(s)", 9, "(s)", Kind::Trailing),
        ("10/minute/user", 9, "/user", Kind::Trailing),
        ("10/minute.", 9, ".", Kind::Trailing),
        ("10/minute + 5/hour", 10, "+", Kind::OtherDelimiter),
        ("10/minute \u{2003}\u{1F980}\u{2003}", 13, "\u{1F980}", Kind::Trailing),
    ];
    for &(text, start, fragment, kind) in rows {
        assert_mistake(text, start, fragment, kind);
    }
}

#[test]
fn one_quota_is_exactly_one_limit() {
    let refused = |text: &str| text.parse::<Quota>().unwrap_err();

    assert_eq!(" 10/minute ".parse(), Ok(Quota::per_minute(10)));
    let several = refused("10/minute :; 5/hour;1/s ");
    assert_eq!((several.fragment(), several.span()), ("; 5/hour;1/s", 11..23));
    assert!(several.to_string().starts_with("expected exactly one limit, found `; 5/hour;1/s`"));
    // Where the rest is malformed, saying "several" would mislead.
    assert_eq!(refused("10/minute;").mistake().kind, Kind::TrailingDelimiter);
    assert_eq!(refused("10/minute;1/s;5/x").fragment(), "x");
}

#[test]
fn messages_say_what_was_expected_what_was_found_and_what_to_write() {
    let legal = "; legal forms are `10/minute`, `10 per 2 hours`, `100/day;10/hour`";
    let rows = [
        (
            "10 per fortnight",
            "expected a unit (millisecond, second, minute, hour, day, week, month, year), \
             found `fortnight` at bytes 7..16 of `10 per fortnight`",
        ),
        (
            "1.5/minute",
            "expected a whole number, found `1.5` at bytes 0..3 of `1.5/minute`; write \
             `3 per 2 minutes` instead of `1.5/minute`",
        ),
        (
            "1/s\u{2028}\n2/h",
            "expected `,`, `;` or `|` between two limits, found `2/h` at bytes 7..10 of \
             `1/s\\u{2028}\\n2/h`; whitespace does not separate limits: write `;`",
        ),
        (
            "1/s; 10 ",
            "expected `/` or `per` and a unit, found nothing after `10` at bytes 5..7 of \
             `1/s; 10 `",
        ),
        ("", "expected one or several limits, found nothing in `` at bytes 0..0 of ``"),
    ];
    for (text, message) in rows {
        assert_eq!(mistake(text).to_string(), format!("{message}{legal}"));
    }
}

#[test]
fn the_compiler_says_what_the_error_says() {
    for text in ["10 per fortnight", "10", ";", "\u{FF11}/s", "1/2 minute and"] {
        let error = mistake(text);
        let message = PanicMessage::new(text, error.mistake());
        assert_eq!(message.as_str(), error.to_string());
    }
    let panic = std::panic::catch_unwind(|| assert_valid("10/m")).unwrap_err();
    assert_eq!(panic.downcast_ref::<String>(), Some(&mistake("10/m").to_string()));
}

#[test]
fn a_long_message_is_cut_between_characters() {
    for padding in 0..4 {
        let text = format!("{}{}", "x".repeat(padding), "\u{1F980}".repeat(1000));
        let error = mistake(&text);
        let message = PanicMessage::new(&text, error.mistake());
        assert!((1021..=1024).contains(&message.as_str().len()));
        assert!(error.to_string().starts_with(message.as_str()));
    }
}

#[test]
fn whitespace_is_what_the_reference_takes_for_it() {
    for character in '\0'..=char::MAX {
        let mut buffer = [0; 4];
        let bytes = character.encode_utf8(&mut buffer).as_bytes();
        let is_space = character.is_whitespace() || matches!(character, '\u{1C}'..='\u{1F}');
        let expected = if is_space { bytes.len() } else { 0 };
        assert_eq!(whitespace_len(bytes, 0), expected, "{character:?}");
    }
    let spaced = "\u{2003}10\u{A0}per\u{3000}2\u{85}hours\u{1C};\u{205F}5/s";
    assert_eq!(parse_many(spaced), parse_many("10 per 2 hours; 5/s"));
}

#[test]
fn display_parses_back_to_the_same_quota() {
    let mut random = Random(1);
    let units = UNITS.map(|(unit, _)| unit);
    for round in 0..20_000 {
        // Numbers of every length, not mostly long ones.
        let amount = random.next() >> random.below(64);
        let multiples = (random.next() >> (32 + random.below(32))) as u32;
        let unit = units[random.below(units.len())];
        let amount = amount % (Quota::MAX_AMOUNT + 1);
        let Some(mut quota) = Quota::new(amount, multiples, unit) else { continue };
        if round % 2 == 0 {
            let burst = random.next() >> random.below(64);
            quota = quota.with_burst(burst % (Quota::MAX_AMOUNT + 1));
        }
        assert_eq!(quota.to_string().parse(), Ok(quota));
    }
}

#[test]
fn no_text_makes_the_parser_panic_or_report_a_broken_span() {
    let pieces: Vec<&str> = "0~1~10~000~999999999999999999999~/~/~per~PER~pe~s~ms~m~minute~\
         Hours~years~burst~and~e~k~x~ ~ ~\n~\u{A0}~\u{2003}~\u{3000}~,~;~|~:~.~-~+~_~'~#~\0~\
         \u{FF11}~\u{17F}~\u{E9}~\u{1F980}~\u{301}~\u{10FFFF}"
        .split('~')
        .collect();
    const LEGAL: [&str; 15] =
        ["10", " ", "per", " ", "2", " ", "hours", " ", "burst", " ", "20", ";", "5", "/", "s"];
    let mut random = Random(2);
    let mut accepted = 0;
    for _ in 0..200_000 {
        // A legal text with none, some or nearly all of its pieces exchanged.
        let exchanged = random.below(LEGAL.len());
        let text: String = LEGAL
            .map(|legal| {
                let exchange = random.below(LEGAL.len()) < exchanged;
                if exchange { pieces[random.below(pieces.len())] } else { legal }
            })
            .concat();
        let single = text.parse::<Quota>();
        match parse_many(&text) {
            Ok(quotas) => {
                accepted += 1;
                assert_valid(&text);
                assert_eq!(single.ok(), (quotas.len() == 1).then(|| quotas[0]), "{text:?}");
            }
            Err(error) => {
                let fragment = text.get(error.span()).expect("a span on characters");
                assert!(!fragment.is_empty(), "{text:?}");
                // Nothing is reported with the space around it.
                if error.mistake().kind != Kind::Empty {
                    assert_eq!(fragment, fragment.trim(), "{text:?}");
                }
                assert!(!error.to_string().contains(char::is_control), "{text:?}");
                assert!(!PanicMessage::new(&text, error.mistake()).as_str().is_empty());
                assert_eq!(single, Err(error), "{text:?}");
            }
        }
    }
    assert!(accepted > 500, "only {accepted} of the texts were legal");
}

/// xorshift64*: the same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 33) as usize % bound
    }
}
