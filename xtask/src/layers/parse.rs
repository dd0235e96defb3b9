//! Declarations and mentions of a source file: modules, items, imports and paths, without its tests.

use std::collections::BTreeMap;

use super::lexer::{Token, TokenKind, tokenize};

/// A module as written in one file.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// Items defined here.
    pub items: Vec<String>,
    /// Child modules.
    pub modules: Vec<Child>,
    /// Imports and re-exports, those inside of functions included.
    pub imports: Vec<Import>,
    /// Every path in the code, each with its first line. A single identifier is a path of one segment.
    pub paths: BTreeMap<Vec<String>, usize>,
}

/// A child module.
#[derive(Debug)]
pub(super) struct Child {
    pub name: String,
    /// `mod name { ... }`; none if the module has a file.
    pub inline: Option<Source>,
}

/// One name that a `use` declaration brings into scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Import {
    pub path: Vec<String>,
    /// The name in scope: the last segment or what follows `as`; `*` for all names of a module.
    pub name: String,
    /// Whether it is a re-export: `pub use`, however far it is visible.
    pub public: bool,
    pub line: usize,
}

/// Reads a file. Items of tests (`#[test]`, `#[cfg(test)]`, `#[cfg(doctest)]`) are left out.
pub(super) fn parse(text: &str) -> Source {
    let tokens = tokenize(text);
    let mut source = Source::default();
    Parser { tokens: &tokens, at: 0 }.items(&mut source);
    source
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<&'a Token> {
        let token = self.tokens.get(self.at)?;
        self.at += 1;
        Some(token)
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.peek().is_some_and(|token| token.is_punct(c));
        self.at += usize::from(found);
        found
    }

    fn eat_ident(&mut self, name: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.is_ident(name));
        self.at += usize::from(found);
        found
    }

    /// The tokens of a group in brackets, without the brackets; the next token opens it.
    fn group(&mut self) -> &'a [Token] {
        let first = self.at + 1;
        let mut depth = 0;
        while let Some(token) = self.next() {
            match token.kind {
                TokenKind::Punct('(' | '[' | '{') => depth += 1,
                TokenKind::Punct(')' | ']' | '}') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return &self.tokens[first..self.at - 1];
            }
        }
        &self.tokens[first.min(self.at)..]
    }

    /// Reads attributes; true if one of them marks a test.
    fn attributes(&mut self) -> bool {
        let mut is_test = false;
        while self.peek().is_some_and(|token| token.is_punct('#')) {
            self.at += 1;
            self.eat('!');
            is_test |= marks_test(self.group());
        }
        is_test
    }

    /// Reads items up to the end of the tokens.
    fn items(&mut self, source: &mut Source) {
        while self.peek().is_some() {
            let is_test = self.attributes();
            let mut ignored = Source::default();
            self.item(if is_test { &mut ignored } else { source });
        }
    }

    fn item(&mut self, source: &mut Source) {
        let public = self.visibility();
        let Some(token) = self.peek() else { return };
        match token.ident() {
            Some("use") => self.import(public, source),
            Some("mod") => self.module(source),
            Some("const" | "static" | "type") => {
                self.at += 1;
                // A constant's braces do not end it; `const fn` and `const unsafe fn` are functions.
                if self.peek().is_some_and(|token| matches!(token.ident(), Some("fn" | "unsafe" | "extern" | "async")))
                {
                    return self.item(source);
                }
                self.eat_ident("mut");
                self.define(source);
                let body = self.until(|token| token.is_punct(';'), false);
                scan(body, source);
            }
            Some("fn" | "struct" | "enum" | "union" | "trait") => {
                self.at += 1;
                self.define(source);
                let body = self.until(|token| token.is_punct(';'), true);
                scan(body, source);
            }
            Some("unsafe" | "async" | "extern" | "default") => {
                self.at += 1;
                // The ABI, as in `extern "C" fn`.
                if self.peek().is_some_and(|token| token.kind == TokenKind::Literal) {
                    self.at += 1;
                }
            }
            // `impl` blocks and macros.
            Some(_) => {
                let body = self.until(|token| token.is_punct(';'), true);
                scan(body, source);
            }
            None => self.at += 1,
        }
    }

    /// Reads `pub`, `pub(crate)`, `pub(in path)`; true if there is one.
    fn visibility(&mut self) -> bool {
        let public = self.eat_ident("pub");
        if public && self.peek().is_some_and(|token| token.is_punct('(')) {
            self.group();
        }
        public
    }

    /// The name of an item, if one comes next.
    fn define(&mut self, source: &mut Source) {
        if let Some(name) = self.peek().and_then(Token::ident) {
            source.items.push(name.to_owned());
            self.at += 1;
        }
    }

    /// Reads tokens up to and including the first outside of brackets for which `ends` holds, or, with `or_braces`, up to
    /// the end of the first group in braces.
    fn until(&mut self, ends: impl Fn(&Token) -> bool, or_braces: bool) -> &'a [Token] {
        let first = self.at;
        while let Some(token) = self.peek() {
            match token.kind {
                TokenKind::Punct('(' | '[') => {
                    self.group();
                }
                TokenKind::Punct('{') => {
                    self.group();
                    if or_braces {
                        break;
                    }
                }
                _ => {
                    self.at += 1;
                    if ends(token) {
                        break;
                    }
                }
            }
        }
        &self.tokens[first..self.at]
    }

    fn module(&mut self, source: &mut Source) {
        self.at += 1;
        let Some(name) = self.next().and_then(Token::ident) else { return };
        let inline = (!self.eat(';')).then(|| {
            let mut inner = Source::default();
            Parser { tokens: self.group(), at: 0 }.items(&mut inner);
            inner
        });
        source.modules.push(Child { name: name.to_owned(), inline });
    }

    fn import(&mut self, public: bool, source: &mut Source) {
        self.at += 1;
        let tokens = self.until(|token| token.is_punct(';'), false);
        Parser { tokens, at: 0 }.use_tree(&[], public, &mut source.imports);
    }

    /// Reads `a::b`, `a::{b, c as d}` and `a::*` as one import for each name.
    fn use_tree(&mut self, prefix: &[String], public: bool, imports: &mut Vec<Import>) {
        let mut path = prefix.to_vec();
        while let Some(token) = self.peek() {
            let line = token.line;
            match &token.kind {
                TokenKind::PathSep => self.at += 1,
                TokenKind::Ident(word) if word == "as" => {
                    self.at += 1;
                    if let Some(name) = self.next().and_then(Token::ident) {
                        imports.push(Import { path, name: name.to_owned(), public, line });
                    }
                    return;
                }
                TokenKind::Ident(word) => {
                    self.at += 1;
                    path.push(word.clone());
                    let next = self.peek();
                    if next.is_none_or(|next| next.kind != TokenKind::PathSep && !next.is_ident("as")) {
                        // `a::{self}` is `a` itself.
                        if word == "self" && path.len() > 1 {
                            path.pop();
                        }
                        let name = path[path.len() - 1].clone();
                        imports.push(Import { path, name, public, line });
                        return;
                    }
                }
                TokenKind::Punct('*') => {
                    self.at += 1;
                    imports.push(Import { path, name: "*".to_owned(), public, line });
                    return;
                }
                TokenKind::Punct('{') => {
                    let mut inner = Parser { tokens: self.group(), at: 0 };
                    while inner.peek().is_some() {
                        let before = inner.at;
                        inner.use_tree(&path, public, imports);
                        inner.eat(',');
                        inner.at = inner.at.max(before + 1);
                    }
                    return;
                }
                _ => return,
            }
        }
    }
}

/// Whether an attribute's tokens mark a test: `test`, `cfg(test)`, `cfg(all(test, ...))`, `cfg(doctest)`; not
/// `cfg(any(test, ...))` and not `cfg(not(test))`, whose items exist in other builds, too.
fn marks_test(attribute: &[Token]) -> bool {
    match attribute {
        [one] => one.is_ident("test"),
        [cfg, rest @ ..] if cfg.is_ident("cfg") => {
            let names = |name: &str| rest.iter().any(|token| token.is_ident(name));
            (names("test") || names("doctest")) && !names("any") && !names("not")
        }
        _ => false,
    }
}

/// Collects the paths and the inner imports of an item's tokens.
fn scan(tokens: &[Token], source: &mut Source) {
    let mut parser = Parser { tokens, at: 0 };
    while let Some(token) = parser.peek() {
        match &token.kind {
            TokenKind::Punct('#') if tokens.get(parser.at + 1).is_some_and(|next| next.is_punct('[')) => {
                if parser.attributes() {
                    parser.until(|token| token.is_punct(';') || token.is_punct(','), true);
                }
            }
            TokenKind::Ident(word) if word == "use" => {
                let first = source.imports.len();
                parser.import(false, source);
                debug_assert!(source.imports[first..].iter().all(|import| !import.public));
            }
            TokenKind::Ident(_) => path(&mut parser, source),
            _ => parser.at += 1,
        }
    }
}

/// Reads a path in code. Fields and methods are none, nor are small names that are not called: those are variables.
fn path(parser: &mut Parser<'_>, source: &mut Source) {
    let before = parser.at.checked_sub(1).map(|at| &parser.tokens[at]);
    let is_range = parser.at >= 2 && parser.tokens[parser.at - 2].is_punct('.');
    let is_member = before.is_some_and(|token| token.is_punct('.')) && !is_range;
    let is_defined = before.is_some_and(|token| token.is_ident("fn"));
    let mut path = Vec::new();
    let mut line = 0;
    while let Some(Token { kind: TokenKind::Ident(word), line: at }) = parser.peek() {
        path.push(word.clone());
        line = *at;
        parser.at += 1;
        // Only a segment follows: `::<` are arguments.
        let segment = parser.tokens.get(parser.at + 1).is_some_and(|token| token.ident().is_some());
        if !(segment && parser.tokens[parser.at].kind == TokenKind::PathSep) {
            break;
        }
        parser.at += 1;
    }
    let is_called = parser.peek().is_some_and(|token| token.is_punct('(') || token.is_punct('!'));
    let is_name = path.len() > 1 || is_called || path[0].starts_with(char::is_uppercase);
    if is_name && !is_member && !is_defined {
        source.paths.entry(path).or_insert(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imports(text: &str) -> Vec<(String, String)> {
        parse(text).imports.into_iter().map(|import| (import.path.join("::"), import.name)).collect()
    }

    fn paths(text: &str) -> Vec<String> {
        parse(text).paths.into_keys().map(|path| path.join("::")).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|&(path, name)| (path.to_owned(), name.to_owned())).collect()
    }

    #[test]
    fn a_use_tree_gives_one_import_for_each_name() {
        let text = "use a::{self, b::{C, d as e}, f::*};\npub(crate) use g;\npub use h::I as _;";
        let wanted = [("a", "a"), ("a::b::C", "C"), ("a::b::d", "e"), ("a::f", "*"), ("g", "g"), ("h::I", "_")];
        assert_eq!(imports(text), pairs(&wanted));
        let public: Vec<bool> = parse(text).imports.iter().map(|import| import.public).collect();
        assert_eq!(public, [false, false, false, false, true, true]);
    }

    #[test]
    fn imports_know_their_lines_and_come_from_functions_too() {
        let source = parse("fn f() {\n    use a::B;\n    B\n}\nuse c::{\n    D,\n};");
        let lines: Vec<_> = source.imports.iter().map(|import| (import.name.as_str(), import.line)).collect();
        assert_eq!(lines, [("B", 2), ("D", 6)]);
    }

    #[test]
    fn all_kinds_of_items_define_names() {
        let text = "pub struct A(u8); struct B { c: u8 } enum D {} const E: u8 = { 1 }; pub const fn f() {} static mut G: u8 \
                    = 0; type H = u8; pub(super) trait I {} unsafe extern \"C\" fn j() {} impl A { fn k() {} } union L {}";
        assert_eq!(parse(text).items, ["A", "B", "D", "E", "f", "G", "H", "I", "j", "L"]);
    }

    #[test]
    fn modules_have_a_file_or_a_body() {
        let source = parse("mod a; pub mod b { mod c; use d::E; } #[cfg(unix)] mod f;");
        let names: Vec<&str> = source.modules.iter().map(|child| child.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "f"]);
        let inline = source.modules[1].inline.as_ref().unwrap();
        assert_eq!((inline.modules[0].name.as_str(), inline.imports[0].name.as_str()), ("c", "E"));
    }

    #[test]
    fn tests_are_left_out() {
        let text = "#[cfg(test)] mod a; #[cfg(all(test, unix))] use b::C; #[cfg(test)] mod d { use e::F; } #[test] fn g() {} \
                    #[cfg(doctest)] struct H; #[cfg(any(test, feature = \"x\"))] mod i; #[cfg(not(test))] mod j; \
                    impl K { #[cfg(test)] fn l(&self) { m::n() } fn o() { p::q() } }";
        let source = parse(text);
        let names: Vec<&str> = source.modules.iter().map(|child| child.name.as_str()).collect();
        assert_eq!((names, source.items.len(), source.imports.len()), (vec!["i", "j"], 0, 0));
        assert_eq!(paths(text), ["K", "p::q"]);
    }

    #[test]
    fn paths_are_types_calls_and_what_has_segments() {
        let text = "fn f(x: a::B<C>) -> D { let y = x.e(1..g(2)); h::i::<J>(y.k); l!(m); N::O { p: q } }";
        assert_eq!(paths(text), ["C", "D", "J", "N::O", "a::B", "g", "h::i", "l"]);
    }
}
