//! Rust source text as tokens: as much of the language as the module graph needs.
//!
//! Comments, doc comments and the contents of literals are dropped, so that no word in them can pass for code.

/// A piece of source text and the line on which it begins, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub kind: TokenKind,
    pub line: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// An identifier or a keyword; raw identifiers come without `r#`.
    Ident(String),
    /// `::`
    PathSep,
    /// A string, a character, a number or a lifetime.
    Literal,
    /// Any other character that is not white space.
    Punct(char),
}

impl Token {
    /// The identifier or keyword, if the token is one.
    pub(super) fn ident(&self) -> Option<&str> {
        match &self.kind {
            TokenKind::Ident(name) => Some(name),
            _ => None,
        }
    }

    /// Whether the token is this identifier or keyword.
    pub(super) fn is_ident(&self, name: &str) -> bool {
        self.ident() == Some(name)
    }

    /// Whether the token is this character.
    pub(super) fn is_punct(&self, c: char) -> bool {
        self.kind == TokenKind::Punct(c)
    }
}

/// Splits source text into tokens. Text that is not Rust gives some tokens, too, and never an error: the compiler
/// reports what is wrong with it.
pub(super) fn tokenize(source: &str) -> Vec<Token> {
    let mut cursor = Cursor { chars: source.chars().collect(), at: 0, line: 1 };
    let mut tokens = Vec::new();
    while let Some(c) = cursor.peek(0) {
        let line = cursor.line;
        let kind = match c {
            _ if c.is_whitespace() => {
                cursor.bump();
                continue;
            }
            '/' if cursor.peek(1) == Some('/') => {
                cursor.skip_line();
                continue;
            }
            '/' if cursor.peek(1) == Some('*') => {
                cursor.skip_block_comment();
                continue;
            }
            '"' => {
                cursor.skip_string();
                TokenKind::Literal
            }
            '\'' => {
                cursor.skip_char_or_lifetime();
                TokenKind::Literal
            }
            ':' if cursor.peek(1) == Some(':') => {
                cursor.bump();
                cursor.bump();
                TokenKind::PathSep
            }
            _ if c.is_ascii_digit() => {
                cursor.skip_number();
                TokenKind::Literal
            }
            _ if is_word(c) => cursor.word(),
            _ => {
                cursor.bump();
                TokenKind::Punct(c)
            }
        };
        tokens.push(Token { kind, line });
    }
    tokens
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

struct Cursor {
    chars: Vec<char>,
    at: usize,
    line: usize,
}

impl Cursor {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek(0)?;
        self.at += 1;
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    fn skip_line(&mut self) {
        while self.peek(0).is_some_and(|c| c != '\n') {
            self.bump();
        }
    }

    /// Skips a block comment with those nested in it.
    fn skip_block_comment(&mut self) {
        let mut depth = 0;
        while let Some(c) = self.bump() {
            match (c, self.peek(0)) {
                ('/', Some('*')) => {
                    self.bump();
                    depth += 1;
                }
                ('*', Some('/')) => {
                    self.bump();
                    depth -= 1;
                    if depth == 0 {
                        return;
                    }
                }
                _ => {}
            }
        }
    }

    fn skip_string(&mut self) {
        self.bump();
        while let Some(c) = self.bump() {
            match c {
                '\\' => {
                    self.bump();
                }
                '"' => return,
                _ => {}
            }
        }
    }

    /// Skips `#"..."#` of a raw string, with as many `#` as there are.
    fn skip_raw_string(&mut self) {
        let mut hashes = 0;
        while self.peek(0) == Some('#') {
            self.bump();
            hashes += 1;
        }
        self.bump();
        while let Some(c) = self.bump() {
            if c == '"' && (0..hashes).all(|ahead| self.peek(ahead) == Some('#')) {
                self.at += hashes;
                return;
            }
        }
    }

    /// `'a'` and `'\n'` are characters, `'a` without a second quote is a lifetime.
    fn skip_char_or_lifetime(&mut self) {
        self.bump();
        if self.peek(0) == Some('\\') {
            self.bump();
            self.bump();
            while self.bump().is_some_and(|c| c != '\'') {}
        } else if self.peek(1) == Some('\'') {
            self.bump();
            self.bump();
        } else {
            while self.peek(0).is_some_and(is_word) {
                self.bump();
            }
        }
    }

    /// `1_000`, `1.5e-3` and `0x1f`, but neither the range `0..5` nor the call `1.max(2)`.
    fn skip_number(&mut self) {
        let mut last = ' ';
        while let Some(c) = self.peek(0) {
            let fraction = c == '.' && self.peek(1).is_some_and(|next| next.is_ascii_digit());
            let exponent = (c == '-' || c == '+') && matches!(last, 'e' | 'E') && self.peek(1).is_some_and(is_word);
            if !(is_word(c) || fraction || exponent) {
                return;
            }
            last = c;
            self.bump();
        }
    }

    /// An identifier, or the literal of which it is the prefix: `r"..."`, `b'x'`, `br#"..."#`.
    fn word(&mut self) -> TokenKind {
        let mut word = String::new();
        while let Some(c) = self.peek(0).filter(|&c| is_word(c)) {
            word.push(c);
            self.bump();
        }
        match (word.as_str(), self.peek(0), self.peek(1)) {
            ("b" | "c", Some('"'), _) => self.skip_string(),
            ("b", Some('\''), _) => self.skip_char_or_lifetime(),
            ("r" | "br" | "cr", Some('"'), _) | ("r" | "br" | "cr", Some('#'), Some('"' | '#')) => {
                self.skip_raw_string()
            }
            ("r", Some('#'), Some(c)) if is_word(c) => {
                self.bump();
                return self.word();
            }
            _ => return TokenKind::Ident(word),
        }
        TokenKind::Literal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> Vec<String> {
        tokenize(source).iter().filter_map(|token| token.ident().map(str::to_owned)).collect()
    }

    #[test]
    fn comments_and_literals_hold_no_identifiers() {
        assert_eq!(words("a // b\n/* c /* d */ e */ f /// g"), ["a", "f"]);
        assert_eq!(words(r##"a "b \" c" r"d \" e r#"f " g"# h b"i" br#"j"# k"##), ["a", "e", "h", "k"]);
        assert_eq!(words(r"a 'b' '\'' '\u{1F600}' b'c' 'd e: &'f g"), ["a", "e", "g"]);
    }

    #[test]
    fn numbers_end_where_ranges_and_methods_begin() {
        assert_eq!(words("0..end 1.max(x) 1.5e-3 y 0xffu8 z 2e3.floor()"), ["end", "max", "x", "y", "z", "floor"]);
    }

    #[test]
    fn raw_identifiers_lose_their_prefix() {
        assert_eq!(words("r#type r#fn"), ["type", "fn"]);
    }

    #[test]
    fn lines_are_counted_through_comments_and_strings() {
        let tokens = tokenize("/*\n*/ \"\n\"\nlast::one");
        let last: Vec<_> = tokens.iter().map(|token| (token.ident(), token.line)).collect();
        assert_eq!(last, [(None, 2), (Some("last"), 4), (None, 4), (Some("one"), 4)]);
        assert_eq!(tokens[2].kind, TokenKind::PathSep);
    }
}
