//! Integers of any size, as metadata and their rules of addition need them.

use std::cmp::Ordering;
use std::fmt;

use triomphe::Arc;

const BASE: u64 = 1_000_000_000;

/// More digits than this are refused, so that a file cannot keep a processor busy with one number.
const MAX_DIGITS: usize = 4300;

/// An integer of any size. Numbers that fit into 64 bits are kept as such.
#[derive(Clone, PartialEq, Eq)]
pub struct Int(Repr);

#[derive(Clone, PartialEq, Eq)]
enum Repr {
    Small(i64),
    /// Never a number that would fit into `Small`.
    Big(Arc<Big>),
}

#[derive(Clone, PartialEq, Eq)]
struct Big {
    negative: bool,
    /// Little-endian, base 10^9, no leading zeros.
    limbs: Vec<u32>,
}

impl Int {
    /// The number, if it fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match &self.0 {
            Repr::Small(number) => Some(*number),
            Repr::Big(_) => None,
        }
    }

    /// The nearest floating-point number; infinite when too large.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        match &self.0 {
            Repr::Small(number) => *number as f64,
            Repr::Big(_) => self.to_string().parse().unwrap_or(f64::NAN),
        }
    }

    /// Reads digits of a radix up to 16, without sign or prefix; none when a digit is missing, wrong, or there are too many.
    pub(crate) fn from_digits(negative: bool, digits: &str, radix: u32) -> Option<Self> {
        if digits.is_empty() || digits.len() > MAX_DIGITS {
            return None;
        }
        let mut big = Big { negative, limbs: Vec::new() };
        for digit in digits.chars() {
            big.multiply_add(radix, digit.to_digit(radix)?);
        }
        Some(big.normalize())
    }

    /// The sum.
    #[must_use]
    pub fn add(&self, other: &Self) -> Self {
        if let (Repr::Small(a), Repr::Small(b)) = (&self.0, &other.0)
            && let Some(sum) = a.checked_add(*b)
        {
            return Self::from(sum);
        }
        let (a, b) = (self.to_big(), other.to_big());
        if a.negative == b.negative {
            return Big { negative: a.negative, limbs: add_limbs(&a.limbs, &b.limbs) }.normalize();
        }
        match compare_limbs(&a.limbs, &b.limbs) {
            Ordering::Less => {
                Big { negative: b.negative, limbs: subtract_limbs(&b.limbs, &a.limbs) }
            }
            _ => Big { negative: a.negative, limbs: subtract_limbs(&a.limbs, &b.limbs) },
        }
        .normalize()
    }

    /// The difference.
    #[must_use]
    pub fn subtract(&self, other: &Self) -> Self {
        self.add(&other.negate())
    }

    /// The number with the other sign.
    #[must_use]
    pub fn negate(&self) -> Self {
        let mut big = self.to_big();
        big.negative = !big.negative;
        big.normalize()
    }

    fn to_big(&self) -> Big {
        match &self.0 {
            Repr::Small(number) => {
                let mut rest = number.unsigned_abs();
                let mut limbs = Vec::new();
                while rest > 0 {
                    limbs.push((rest % BASE) as u32);
                    rest /= BASE;
                }
                Big { negative: *number < 0, limbs }
            }
            Repr::Big(big) => Big::clone(big),
        }
    }
}

impl From<i64> for Int {
    fn from(number: i64) -> Self {
        Self(Repr::Small(number))
    }
}

impl Ord for Int {
    fn cmp(&self, other: &Self) -> Ordering {
        if let (Repr::Small(a), Repr::Small(b)) = (&self.0, &other.0) {
            return a.cmp(b);
        }
        let (a, b) = (self.to_big(), other.to_big());
        match (a.negative, b.negative) {
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => compare_limbs(&a.limbs, &b.limbs),
            (true, true) => compare_limbs(&b.limbs, &a.limbs),
        }
    }
}

impl PartialOrd for Int {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Int {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Small(number) => number.fmt(f),
            Repr::Big(big) => {
                if big.negative {
                    f.write_str("-")?;
                }
                let mut limbs = big.limbs.iter().rev();
                write!(f, "{}", limbs.next().unwrap_or(&0))?;
                limbs.try_for_each(|limb| write!(f, "{limb:09}"))
            }
        }
    }
}

impl fmt::Debug for Int {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Big {
    fn multiply_add(&mut self, factor: u32, summand: u32) {
        let mut carry = u64::from(summand);
        for limb in &mut self.limbs {
            let product = u64::from(*limb) * u64::from(factor) + carry;
            *limb = (product % BASE) as u32;
            carry = product / BASE;
        }
        if carry > 0 {
            self.limbs.push(carry as u32);
        }
    }

    fn normalize(mut self) -> Int {
        while self.limbs.last() == Some(&0) {
            self.limbs.pop();
        }
        let mut number: i128 = 0;
        if self.limbs.len() <= 3 {
            for limb in self.limbs.iter().rev() {
                number = number * i128::from(BASE) + i128::from(*limb);
            }
            if let Ok(small) = i64::try_from(if self.negative { -number } else { number }) {
                return small.into();
            }
        }
        Int(Repr::Big(Arc::new(self)))
    }
}

fn compare_limbs(a: &[u32], b: &[u32]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.iter().rev().cmp(b.iter().rev()))
}

fn add_limbs(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut sum = Vec::with_capacity(a.len().max(b.len()) + 1);
    let mut carry = 0;
    for index in 0..a.len().max(b.len()) {
        let digit = carry
            + u64::from(a.get(index).copied().unwrap_or(0))
            + u64::from(b.get(index).copied().unwrap_or(0));
        sum.push((digit % BASE) as u32);
        carry = digit / BASE;
    }
    if carry > 0 {
        sum.push(carry as u32);
    }
    sum
}

/// `a` must not be smaller than `b`.
fn subtract_limbs(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut difference = Vec::with_capacity(a.len());
    let mut borrow = 0;
    for (index, limb) in a.iter().enumerate() {
        let subtrahend = u64::from(b.get(index).copied().unwrap_or(0)) + borrow;
        let minuend = u64::from(*limb);
        borrow = u64::from(minuend < subtrahend);
        difference.push((minuend + borrow * BASE - subtrahend) as u32);
    }
    difference
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Int {
        match text.strip_prefix('-') {
            Some(digits) => Int::from_digits(true, digits, 10).unwrap(),
            None => Int::from_digits(false, text, 10).unwrap(),
        }
    }

    #[test]
    fn hexadecimal_digits_of_any_length_are_read() {
        let number = Int::from_digits(false, "FFFFFFFFFFFFFFFFFFFF", 16).unwrap();
        assert_eq!(number.to_string(), "1208925819614629174706175");
        assert_eq!(Int::from_digits(false, &"9".repeat(MAX_DIGITS + 1), 10), None);
    }

    proptest! {
        #[test]
        fn sums_and_differences_agree_with_machine_integers(a in any::<i64>(), b in any::<i64>()) {
            let (wide_a, wide_b) = (i128::from(a), i128::from(b));
            prop_assert_eq!(Int::from(a).add(&Int::from(b)).to_string(), (wide_a + wide_b).to_string());
            prop_assert_eq!(Int::from(a).subtract(&Int::from(b)).to_string(), (wide_a - wide_b).to_string());
            prop_assert_eq!(Int::from(a).cmp(&Int::from(b)), a.cmp(&b));
        }

        #[test]
        fn large_numbers_survive_a_round_trip_and_add_up(
            a in -(10i128.pow(36))..10i128.pow(36), b in -(10i128.pow(36))..10i128.pow(36)
        ) {
            prop_assert_eq!(read(&a.to_string()).to_string(), a.to_string());
            prop_assert_eq!(read(&a.to_string()).add(&read(&b.to_string())).to_string(), (a + b).to_string());
            prop_assert_eq!(read(&a.to_string()).cmp(&read(&b.to_string())), a.cmp(&b));
        }
    }
}
