use limiter_actix::limit;

#[limit("")]
#[limit(" ")]
#[limit("10")]
#[limit("10/")]
#[limit("/minute")]
#[limit("10 minute")]
#[limit("10 every minute")]
#[limit("10/minute 5/hour")]
#[limit("10/minute;")]
#[limit(";10/minute")]
#[limit("10/minute;;5/hour")]
#[limit("-1/minute")]
#[limit("1.5/minute")]
#[limit("1_000/minute")]
#[limit("ten/minute")]
#[limit("10/fortnight")]
#[limit("10/m")]
#[limit("10/minutess")]
#[limit("10 per minute extra")]
#[limit("10//minute")]
#[limit("9999999999999999/day")]
#[limit("10/999999999999 years")]
#[limit("10/minute burst")]
#[limit("10/minute burst x")]
#[limit("１０/minute")]
async fn search() -> &'static str {
    "found"
}

fn main() {}
