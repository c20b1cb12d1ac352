//! Reading opening hours.
//!
//! Invariant: what is read says for every day when it is open; nothing of the
//! text is passed over.

use std::str::FromStr;

use super::{DAY_MINUTES, OpeningHours, Span};

/// A text that is no opening hours.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "\"{text}\" cannot be read as opening hours: {reason}; write them such as \
     Mo-Fr 08:00-20:00; Sa 09:00-18:00; Su off, or 24/7"
)]
pub struct OpeningError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

const DAYS: [&str; 7] = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];
const WHOLE_DAY: Span = Span {
    from: 0,
    to: DAY_MINUTES,
};

impl FromStr for OpeningHours {
    type Err = OpeningError;

    /// Reads the grammar of the [module](super).
    fn from_str(text: &str) -> Result<Self, OpeningError> {
        read(text).map_err(|reason| OpeningError {
            text: text.chars().take(80).collect(),
            reason,
        })
    }
}

fn read(text: &str) -> Result<OpeningHours, String> {
    let mut days: [Vec<Span>; 7] = Default::default();
    if text.trim() == "24/7" {
        days.fill(vec![WHOLE_DAY]);
        return Ok(OpeningHours { days });
    }
    let rules = text.trim();
    for rule in rules.strip_suffix(';').unwrap_or(rules).split(';') {
        let mut rest = Rest(rule.trim());
        let named = rest.days()?;
        let spans = rest.times()?;
        for (open, _) in days.iter_mut().zip(named).filter(|(_, named)| *named) {
            open.clone_from(&spans);
        }
    }
    Ok(OpeningHours { days })
}

/// What is left of a rule.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// The days that the rule is about; all of them if it names none.
    fn days(&mut self) -> Result<[bool; 7], String> {
        let begins_with_day = self.0.starts_with(|c: char| c.is_ascii_alphabetic())
            && !matches!(self.peek_word(), "off" | "closed");
        if !begins_with_day {
            return Ok([true; 7]);
        }
        let mut named = [false; 7];
        loop {
            let first = self.day()?;
            let last = if self.eats('-') { self.day()? } else { first };
            // A range may run over the end of the week.
            let length = (last + 7 - first) % 7;
            for day in 0..=length {
                named[(first + day) % 7] = true;
            }
            if !self.eats(',') {
                return Ok(named);
            }
        }
    }

    fn day(&mut self) -> Result<usize, String> {
        let word = self.peek_word();
        let found = DAYS.iter().position(|day| *day == word);
        match found {
            Some(day) => {
                self.skip(word.len());
                Ok(day)
            }
            None if matches!(word, "PH" | "SH") => Err(format!(
                "{word} stands for days that are not known here, leave it out"
            )),
            None => Err(format!(
                "a day is one of {}, not \"{}\"",
                DAYS.join(" "),
                self.0
            )),
        }
    }

    /// When it is open on these days, to the end of the rule.
    fn times(&mut self) -> Result<Vec<Span>, String> {
        if matches!(self.0, "off" | "closed") {
            return Ok(Vec::new());
        }
        let mut spans = vec![self.span()?];
        while self.eats(',') {
            spans.push(self.span()?);
        }
        if !self.0.is_empty() {
            return Err(format!("\"{}\" is not expected there", self.0));
        }
        spans.sort_unstable();
        if spans.windows(2).any(|pair| pair[0].to > pair[1].from) {
            return Err("two times of a day overlap".to_owned());
        }
        Ok(spans)
    }

    fn span(&mut self) -> Result<Span, String> {
        let from = self.time()?;
        if !self.eats('-') {
            return Err("a time has a beginning and an end, such as 08:00-20:00".to_owned());
        }
        let to = self.time()?;
        if from == DAY_MINUTES || from == to {
            return Err("it opens and closes at the same time, write 00:00-24:00".to_owned());
        }
        let to = if to < from { to + DAY_MINUTES } else { to };
        Ok(Span { from, to })
    }

    /// Minutes after midnight, up to 24:00.
    fn time(&mut self) -> Result<u16, String> {
        let length = self
            .0
            .find(|c: char| !c.is_ascii_digit() && c != ':')
            .unwrap_or(self.0.len());
        let (text, _) = self.0.split_at(length);
        let digits = |text: &str, most: usize| {
            let short = (1..=most).contains(&text.len());
            short.then(|| text.parse::<u16>().ok()).flatten()
        };
        let read = text.split_once(':').and_then(|(hours, minutes)| {
            let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
            let at = hours * 60 + minutes;
            (text.len() >= 4 && minutes < 60 && at <= DAY_MINUTES).then_some(at)
        });
        let at = read.ok_or_else(|| {
            format!(
                "a time is written from 00:00 to 24:00, not \"{}\"",
                self.0.split([',', ' ']).next().unwrap_or_default()
            )
        })?;
        self.skip(length);
        Ok(at)
    }

    fn peek_word(&self) -> &'a str {
        let end = self.0.find(|c: char| !c.is_ascii_alphabetic());
        &self.0[..end.unwrap_or(self.0.len())]
    }

    fn eats(&mut self, sign: char) -> bool {
        match self.0.strip_prefix(sign) {
            Some(rest) => {
                self.0 = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn skip(&mut self, length: usize) {
        self.0 = self.0[length..].trim_start();
    }
}
