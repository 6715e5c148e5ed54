//! Numbers as checks compare them.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// A number that a lesson names or a check prints. Whole ones are compared exactly: addresses and
/// counters of 64 bits do not fit a floating-point number.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// One without a fraction.
    Whole(i128),
    /// Any other; it is finite.
    Real(f64),
}

impl Number {
    fn real(self) -> f64 {
        match self {
            Number::Whole(number) => number as f64,
            Number::Real(number) => number,
        }
    }
}

/// A text that is no number, or none that is finite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotANumber;

impl FromStr for Number {
    type Err = NotANumber;

    fn from_str(text: &str) -> Result<Number, NotANumber> {
        if let Ok(number) = text.parse() {
            return Ok(Number::Whole(number));
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Number::Real(number)),
            Ok(_) | Err(_) => Err(NotANumber),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        match (self, other) {
            (Number::Whole(one), Number::Whole(other)) => Some(one.cmp(other)),
            _ => self.real().partial_cmp(&other.real()),
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Whole(number) => number.fmt(formatter),
            Number::Real(number) => number.fmt(formatter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_compared_exactly_and_others_as_they_are() {
        let number = |text: &str| text.parse::<Number>().ok();
        assert!(number("18446744073709551614") < number("18446744073709551615"));
        assert_eq!(number("5.0"), number("5"));
        assert!(number("-1") < number("0.5") && number("0.5") < number("1e3"));
        for text in ["", "two", "inf", "NaN", "1e999", "0x10"] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
