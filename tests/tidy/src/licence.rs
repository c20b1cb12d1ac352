//! SPDX licence expressions, as far as package manifests use them: names,
//! `WITH`, `AND`, `OR` (also written `/`) and brackets.

/// Whether the expression can be satisfied with the allowed licences alone.
/// `AND` binds stronger than `OR`, as SPDX says.
#[must_use]
pub fn satisfied(expression: &str, allowed: &[&str]) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader {
        words: &words,
        allowed,
    };
    reader.either() && reader.words.is_empty()
}

struct Reader<'a> {
    words: &'a [&'a str],
    allowed: &'a [&'a str],
}

impl<'a> Reader<'a> {
    fn take(&mut self) -> Option<&'a str> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    fn take_if(&mut self, word: &str) -> bool {
        let next = self.words.first() == Some(&word);
        if next {
            self.words = &self.words[1..];
        }
        next
    }

    // `|` and `&` on purpose: both sides must be read, whatever the first says.
    fn either(&mut self) -> bool {
        let mut good = self.both();
        while self.take_if("OR") {
            good |= self.both();
        }
        good
    }

    fn both(&mut self) -> bool {
        let mut good = self.single();
        while self.take_if("AND") {
            good &= self.single();
        }
        good
    }

    fn single(&mut self) -> bool {
        if self.take_if("(") {
            return self.either() & self.take_if(")");
        }
        let Some(name) = self.take() else {
            return false;
        };
        if self.take_if("WITH") {
            let exception = self.take().unwrap_or_default();
            return self
                .allowed
                .contains(&format!("{name} WITH {exception}").as_str());
        }
        self.allowed.contains(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::satisfied;

    #[test]
    fn expressions_are_weighed_as_spdx_says() {
        let allowed = ["MIT", "ISC"];
        for good in [
            "MIT",
            "MIT OR GPL-3.0",
            "GPL-3.0/MIT",
            "MIT AND ISC",
            "(GPL-3.0 OR MIT) AND ISC",
        ] {
            assert!(satisfied(good, &allowed), "{good} should be allowed");
        }
        for bad in [
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "",
            "MIT MIT",
            "(MIT",
            "MIT WITH Classpath-exception-2.0",
        ] {
            assert!(!satisfied(bad, &allowed), "{bad} should be refused");
        }
    }
}
