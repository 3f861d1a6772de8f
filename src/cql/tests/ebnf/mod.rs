//! A reader of the grammar's notation, and a generator of random texts from it.
//!
//! The notation is described at the head of `grammar/cql.ebnf`. The generator walks the rules with
//! seeded choices; below a given depth it takes the alternatives that end soonest, so every text
//! is finite.

use std::collections::BTreeMap;

/// What a rule stands for.
#[derive(Clone, Debug)]
pub enum Node {
    Choice(Vec<Node>),
    Sequence(Vec<Node>),
    Repeat(Box<Node>, usize, usize),
    Literal(String),
    Class(Vec<char>),
    Rule(String),
}

/// All rules by name.
pub struct Grammar {
    pub rules: BTreeMap<String, Node>,
    depths: BTreeMap<String, usize>,
}

/// The most that `*` and `+` repeat.
const REPEAT_MAX: usize = 3;
/// From this length on a text takes the shortest ways.
const BYTES_MAX: usize = 400;
/// Characters that `[^..]` stands for in generated texts.
const OTHERS: &str = "ab Z09_-+:?'\"${}[]().,;/*\\\n\téß漢😀";

impl Grammar {
    pub fn read(text: &str) -> Self {
        let mut reader = Reader { rest: text };
        let mut rules = BTreeMap::new();
        while let Some(name) = reader.name() {
            reader.expect("::=");
            let node = reader.choice();
            assert!(
                rules.insert(name.clone(), node).is_none(),
                "{name} is defined twice"
            );
        }
        assert!(reader.rest.is_empty(), "cannot read: {:.60}", reader.rest);
        let mut grammar = Self {
            rules,
            depths: BTreeMap::new(),
        };
        grammar.measure();
        grammar
    }

    /// The names of all rules of tokens, which are in lower case.
    pub fn rule_names(&self) -> impl Iterator<Item = &str> {
        self.rules
            .keys()
            .map(String::as_str)
            .filter(|name| !is_token(name))
    }

    /// The literals of a rule that is a choice of them, those of other rules in it included.
    pub fn words(&self, rule: &str) -> Vec<String> {
        let Node::Choice(alternatives) = &self.rules[rule] else {
            panic!("{rule} is no choice")
        };
        let words = |node: &Node| match node {
            Node::Literal(word) => vec![word.clone()],
            Node::Rule(rule) => self.words(rule),
            other => panic!("{other:?} is no word"),
        };
        alternatives.iter().flat_map(words).collect()
    }

    /// For each rule, how many rules it takes at least to end.
    fn measure(&mut self) {
        loop {
            let found: BTreeMap<String, usize> = self
                .rules
                .iter()
                .filter_map(|(name, node)| Some((name.clone(), 1 + self.depth(node)?)))
                .collect();
            if found == self.depths {
                let missing = self.rules.keys().find(|name| !found.contains_key(*name));
                assert!(missing.is_none(), "{missing:?} never ends");
                return;
            }
            self.depths = found;
        }
    }

    fn depth(&self, node: &Node) -> Option<usize> {
        match node {
            Node::Choice(nodes) => nodes.iter().filter_map(|node| self.depth(node)).min(),
            Node::Sequence(nodes) => nodes
                .iter()
                .try_fold(0, |deepest, node| Some(self.depth(node)?.max(deepest))),
            Node::Repeat(_, 0, _) => Some(0),
            Node::Repeat(node, ..) => self.depth(node),
            Node::Literal(_) | Node::Class(_) => Some(0),
            Node::Rule(name) => {
                assert!(self.rules.contains_key(name), "{name} is not defined");
                self.depths.get(name).copied()
            }
        }
    }
}

fn is_token(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase())
}

struct Reader<'g> {
    rest: &'g str,
}

impl Reader<'_> {
    fn skip(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            match self.rest.strip_prefix("/*") {
                Some(comment) => self.rest = comment.split_once("*/").expect("a closed comment").1,
                None => return,
            }
        }
    }

    fn take(&mut self, text: &str) -> bool {
        self.skip();
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, text: &str) {
        assert!(self.take(text), "{text} expected at: {:.60}", self.rest);
    }

    fn name(&mut self) -> Option<String> {
        self.skip();
        let end = self
            .rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let (name, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        if name.is_empty() {
            return None;
        }
        self.rest = rest;
        Some(name.into())
    }

    fn choice(&mut self) -> Node {
        let mut nodes = vec![self.sequence()];
        while self.take("|") {
            nodes.push(self.sequence());
        }
        if nodes.len() == 1 {
            nodes.remove(0)
        } else {
            Node::Choice(nodes)
        }
    }

    fn sequence(&mut self) -> Node {
        let mut nodes = Vec::new();
        while let Some(node) = self.item() {
            nodes.push(node);
        }
        if nodes.len() == 1 {
            nodes.remove(0)
        } else {
            Node::Sequence(nodes)
        }
    }

    fn item(&mut self) -> Option<Node> {
        let node = self.single()?;
        for (sign, least, most) in [("?", 0, 1), ("*", 0, REPEAT_MAX), ("+", 1, REPEAT_MAX)] {
            if self.rest.starts_with(sign) {
                self.expect(sign);
                return Some(Node::Repeat(Box::new(node), least, most));
            }
        }
        Some(node)
    }

    fn single(&mut self) -> Option<Node> {
        if self.take("(") {
            let node = self.choice();
            self.expect(")");
            return Some(node);
        }
        for quote in ["'", "\""] {
            if self.take(quote) {
                let (literal, rest) = self.rest.split_once(quote).expect("a closed literal");
                self.rest = rest;
                return Some(Node::Literal(literal.into()));
            }
        }
        if self.take("[") {
            let (class, rest) = self.rest.split_once(']').expect("a closed class");
            self.rest = rest;
            return Some(Node::Class(characters(class)));
        }
        let before = self.rest;
        let name = self.name()?;
        if self.take("::=") {
            self.rest = before;
            return None;
        }
        Some(Node::Rule(name))
    }
}

/// The characters of a class.
fn characters(class: &str) -> Vec<char> {
    if let Some(excluded) = class.strip_prefix('^') {
        return OTHERS
            .chars()
            .filter(|character| !excluded.contains(*character))
            .collect();
    }
    let class: Vec<char> = class
        .chars()
        .filter(|character| *character != '\\')
        .collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < class.len() {
        if class.get(at + 1) == Some(&'-') && at + 2 < class.len() {
            found.extend(class[at]..=class[at + 2]);
            at += 3;
        } else {
            found.push(class[at]);
            at += 1;
        }
    }
    found
}

/// Makes random texts.
pub struct Generator<'g> {
    grammar: &'g Grammar,
    state: u64,
    depth_max: usize,
    /// The column of the assignment that is being made.
    column: Option<String>,
}

impl<'g> Generator<'g> {
    pub fn new(grammar: &'g Grammar, seed: u64, depth_max: usize) -> Self {
        Self {
            grammar,
            state: seed,
            depth_max,
            column: None,
        }
    }

    /// A number below a bound (the SplitMix64 generator).
    fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }

    /// A random text of a rule.
    pub fn text(&mut self, rule: &str) -> String {
        let mut out = String::new();
        self.rule(rule, 0, &mut out);
        out
    }

    fn rule(&mut self, name: &str, depth: usize, out: &mut String) {
        if name == "same_column" {
            let column = self.column.clone().expect("a column to the left");
            separate(out);
            out.push_str(&column);
            return;
        }
        if name == "assignment" {
            self.column = None;
        }
        let start = out.len();
        if is_token(name) {
            separate(out);
            out.push_str(&self.token(name));
        } else {
            let node = &self.grammar.rules[name];
            self.node(node, depth + 1, false, out);
        }
        if name == "name" && self.column.is_none() {
            self.column = Some(out[start..].trim().into());
        }
    }

    /// A random token; one that would be read as another kind is made again.
    fn token(&mut self, name: &str) -> String {
        loop {
            let mut token = String::new();
            self.node(&self.grammar.rules[name], 0, true, &mut token);
            let word = token.to_ascii_uppercase();
            let other = self.grammar.words("RESERVED").contains(&word)
                || self.grammar.words("unreserved_keyword").contains(&word)
                || ["TRUE", "FALSE"].contains(&word.as_str())
                || token.starts_with("P")
                    && token[1..].starts_with(|c: char| c.is_ascii_digit() || c == 'T');
            if name != "IDENTIFIER" || !other && token.len() > 3 {
                return token;
            }
        }
    }

    fn node(&mut self, node: &Node, depth: usize, joined: bool, out: &mut String) {
        let deep = depth > self.depth_max || out.len() > BYTES_MAX;
        match node {
            Node::Literal(literal) => {
                if !joined {
                    separate(out);
                }
                out.push_str(literal);
            }
            Node::Class(class) => out.push(class[self.below(class.len())]),
            Node::Rule(name) if joined => self.node(&self.grammar.rules[name], depth, true, out),
            Node::Rule(name) => self.rule(name, depth, out),
            Node::Sequence(nodes) => {
                nodes
                    .iter()
                    .for_each(|node| self.node(node, depth, joined, out));
            }
            Node::Repeat(node, least, most) => {
                let most = if deep && !joined {
                    *least
                } else {
                    *most + 2 * usize::from(joined && *most > 1)
                };
                let count = least + self.below(most - least + 1);
                (0..count).for_each(|_| self.node(node, depth, joined, out));
            }
            Node::Choice(nodes) if deep && !joined => {
                let least = nodes
                    .iter()
                    .filter_map(|node| self.grammar.depth(node))
                    .min();
                let shallow: Vec<&Node> = nodes
                    .iter()
                    .filter(|node| self.grammar.depth(node) == least)
                    .collect();
                let chosen = shallow[self.below(shallow.len())];
                self.node(chosen, depth, joined, out);
            }
            Node::Choice(nodes) => {
                let chosen = &nodes[self.below(nodes.len())];
                self.node(chosen, depth, joined, out);
            }
        }
    }
}

/// A blank between two tokens.
fn separate(out: &mut String) {
    if !out.is_empty() {
        out.push(' ');
    }
}
