//! Moments: seconds since 1970-01-01 UTC, and the way that iptables writes them (`2030-01-31T12:00:00`).

/// A moment as iptables writes it.
///
/// The days are counted from March on, so that a leap day is the last of its year
/// (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`).
pub fn written(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

/// The moment of a text that is written so in full, from 1970 on; None for any other.
pub fn read(text: &str) -> Option<u64> {
    let number = |at: std::ops::Range<usize>| text.get(at)?.parse::<u64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    if year < 1970 || month == 0 {
        return None;
    }
    let (year, from_march) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let day_of_year = (153 * from_march + 2) / 5 + day.checked_sub(1)?;
    let days = (year / 400) * 146_097 + (year % 400) * 365 + (year % 400) / 4 - (year % 400) / 100 + day_of_year;
    let seconds = days.checked_sub(719_468)? * 86_400 + hour * 3600 + minute * 60 + second;
    // What is no date, and what is written in another way, is written otherwise again.
    (written(seconds) == text).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_date_does() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00"),
            (951_782_399, "2000-02-28T23:59:59"),
            (951_782_400, "2000-02-29T00:00:00"),
            (1_709_208_000, "2024-02-29T12:00:00"),
            (2_147_483_647, "2038-01-19T03:14:07"),
            (4_107_542_400, "2100-03-01T00:00:00"),
        ] {
            assert_eq!((written(seconds).as_str(), read(text)), (text, Some(seconds)));
        }
    }

    #[test]
    fn what_is_no_moment_in_full_is_none() {
        for text in ["", "2030-01-01", "2030-02-30T00:00:00", "2030-13-01T00:00:00", "2030-01-01T24:00:00", "2030-1-01T00:00:000"]
        {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read("2030-01-01T00:00:00Z"), None);
    }
}
