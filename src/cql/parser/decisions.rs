//! Where Cassandra's parser decides by several tokens, and what its messages are then.
//!
//! Between alternatives that begin alike its generated parser reads on until it can tell them apart. What may follow an
//! alternative is all that follows it anywhere in the language, so that a word which can follow in no place is found
//! right there: "no viable alternative" at that word, shown from the token where the decision began. A word that could
//! follow elsewhere passes, and is a mismatch of what had to come here. A decision that was reached has read one token
//! further than it needed, and excerpts show what was read.

use nom::Err;

use super::comparisons::comparison_at;
use super::failure::Failure;
use super::tokens::Tokens;
use crate::keyword::Keyword;
use crate::token::{Kind, Symbol};

impl Tokens<'_> {
    /// Remembers that Cassandra's parser has read as far as a token ahead.
    pub fn look(&self, ahead: usize) {
        let seen = &self.context.seen;
        let last = self.context.tokens.len() - 1;
        seen.set(seen.get().max((self.index() + ahead).min(last)));
    }

    /// None of the alternatives that begin here goes on with a token ahead.
    pub fn undecided(&self, ahead: usize) -> Err<Failure> {
        self.look(ahead);
        Err::Error(Failure {
            decision: self.index(),
            ..Failure::no_alternative(self.ahead(ahead))
        })
    }

    /// A decision between what begins here, by the token after it.
    fn decide(&self, follows: fn(Kind) -> bool) -> Result<(), Err<Failure>> {
        if !follows(self.kind(1)) {
            return Err(self.undecided(1));
        }
        self.look(2);
        Ok(())
    }

    /// Whether the name here is a table's alone or its keyspace's.
    pub fn decide_table(&self) -> Result<(), Err<Failure>> {
        self.decide(|kind| kind == Kind::Symbol(Symbol::Dot) || follows_table(kind))
    }

    /// Whether the word here is a type of the language, or a name that begins with one.
    pub fn decide_type(&self) -> Result<(), Err<Failure>> {
        use Keyword::{Frozen, List, Map, Tuple, Vector};
        let parameters = matches!(
            self.kind(0),
            Kind::Keyword(Frozen | List | Map | Tuple | Vector)
        );
        if parameters && self.is_symbol(1, Symbol::Less) {
            self.look(2);
            return Ok(());
        }
        self.decide(|kind| kind == Kind::Symbol(Symbol::Dot) || follows_type(kind))
    }

    /// Whether the column here is written or deleted as a whole.
    pub fn decide_target(&self) -> Result<(), Err<Failure>> {
        self.decide(|kind| {
            matches!(
                kind,
                Kind::Keyword(Keyword::From)
                    | Kind::Symbol(Symbol::OpenBracket | Symbol::Comma | Symbol::Dot)
            )
        })
    }

    /// Whether `MASKED` begins a mask.
    pub fn decide_mask(&self) -> Result<(), Err<Failure>> {
        match self.is_keyword(0, Keyword::Masked) {
            true => self.decide(|kind| kind == Kind::Keyword(Keyword::With)),
            false => Ok(()),
        }
    }

    /// What of a table `ALTER` or `DROP` changes.
    pub fn decide_change(&self) -> Result<(), Err<Failure>> {
        let drops = self.is_keyword(0, Keyword::Drop);
        let list = drops && self.is_symbol(1, Symbol::OpenParenthesis);
        if self.is_keyword(1, Keyword::If) || list {
            return Ok(());
        }
        if !self.is_name(1) {
            return Err(self.undecided(1));
        }
        if drops {
            return self.decide_compact();
        }
        use Keyword::{Drop, Masked, Type};
        match self.kind(2) {
            Kind::Keyword(Drop | Masked | Type) => Ok(()),
            _ => Err(self.undecided(2)),
        }
    }

    /// Whether `DROP COMPACT` goes on with `STORAGE` or drops a column of that name.
    fn decide_compact(&self) -> Result<(), Err<Failure>> {
        let follows = matches!(
            self.kind(2),
            Kind::End
                | Kind::Symbol(Symbol::Semicolon)
                | Kind::Keyword(Keyword::Storage | Keyword::Using)
        );
        match self.is_keyword(1, Keyword::Compact) && !follows {
            true => Err(self.undecided(2)),
            false => Ok(()),
        }
    }

    /// Whether `EXISTS` is the condition or a column of that name.
    pub fn decide_exists(&self) -> Result<(), Err<Failure>> {
        self.decide(|kind| {
            use Keyword::{Apply, Delete, Insert, Update};
            matches!(
                kind,
                Kind::End
                    | Kind::Symbol(Symbol::Semicolon)
                    | Kind::Keyword(Apply | Delete | Insert | Update)
            )
        })
    }

    /// Whether the name here is a column: not a function's name, nor a keyspace's before one.
    pub fn decide_column(&self) -> Result<(), Err<Failure>> {
        if !self.is_symbol(1, Symbol::Dot) {
            self.look(2);
            return self.decide(follows_selector);
        }
        if !self.is_name(2) {
            return Err(self.undecided(2));
        }
        let goes_on = matches!(
            self.kind(3),
            Kind::Symbol(Symbol::Dot | Symbol::OpenBracket)
        );
        if !goes_on && !follows_selector(self.kind(3)) {
            return Err(self.undecided(3));
        }
        self.look(4);
        Ok(())
    }

    /// Whether a `?` is all of a term or selector.
    pub fn decide_marker(&self, follows: fn(Kind) -> bool) -> Result<(), Err<Failure>> {
        if self.is_symbol(0, Symbol::QuestionMark) {
            self.decide(follows)?;
        }
        Ok(())
    }

    /// The name of a function that a term begins with. No other term begins with a name.
    pub fn decide_function(&self) -> Result<(), Err<Failure>> {
        let qualified = self.is_symbol(1, Symbol::Dot);
        if qualified && !self.is_name(2) && !self.is_function_name(2) {
            return Err(self.undecided(2));
        }
        let name = if qualified { 2 } else { 0 };
        if !self.is_function_name(name) || !self.is_symbol(name + 1, Symbol::OpenParenthesis) {
            return Err(self.undecided(name + 1));
        }
        if !begins_term(self.kind(name + 2), Symbol::CloseParenthesis) {
            return Err(self.undecided(name + 2));
        }
        Ok(())
    }
}

impl Tokens<'_> {
    /// What the braces that open here hold, by the first element.
    pub fn decide_elements(&self) -> Result<(), Err<Failure>> {
        if !begins_term(self.kind(1), Symbol::CloseBrace) {
            return Err(self.undecided(1));
        }
        let field = self.is_symbol(2, Symbol::Colon) || self.is_qualified_or_called(1);
        match self.is_name(1) && !field {
            true => Err(self.undecided(2)),
            false => Ok(()),
        }
    }

    /// Whether the parentheses that open here hold a type or terms.
    pub fn decide_tuple(&self) -> Result<(), Err<Failure>> {
        if !begins_term(self.kind(1), Symbol::OpenParenthesis) {
            return Err(self.undecided(1));
        }
        match self.is_name(1) && !self.is_qualified_or_called(1) {
            true => Err(self.undecided(2)),
            false => Ok(()),
        }
    }

    fn is_qualified_or_called(&self, ahead: usize) -> bool {
        matches!(
            self.kind(ahead + 1),
            Kind::Symbol(Symbol::Dot | Symbol::OpenParenthesis)
        )
    }

    /// Whether the parentheses that open here hold columns or a relation.
    pub fn decide_relation(&self) -> Result<(), Err<Failure>> {
        use Keyword::{Between, Contains, In, Is, Like};
        if self.is_symbol(1, Symbol::OpenParenthesis) || self.is_keyword(1, Keyword::Token) {
            return Ok(());
        }
        if !self.is_name(1) {
            return Err(self.undecided(1));
        }
        let compared = comparison_at(self.ahead(2)).is_some()
            || self.is_symbol(2, Symbol::OpenBracket)
            || matches!(
                self.kind(2),
                Kind::Keyword(Between | Contains | In | Is | Like)
            );
        match compared {
            true => Ok(()),
            false => Err(self.undecided(2)),
        }
    }
}

/// Whether a term, or the end of a list of terms, can begin with a token.
pub fn begins_term(kind: Kind, close: Symbol) -> bool {
    use Symbol::{Colon, Minus, OpenBrace, OpenBracket, OpenParenthesis, QuestionMark};
    match kind {
        Kind::Symbol(symbol) if symbol == close => true,
        Kind::Symbol(symbol) => matches!(
            symbol,
            Colon | Minus | OpenBrace | OpenBracket | OpenParenthesis | QuestionMark
        ),
        Kind::Keyword(Keyword::Null | Keyword::Nan | Keyword::Infinity | Keyword::Token) => true,
        Kind::Keyword(word) => !word.is_reserved(),
        Kind::EmptyQuotedName | Kind::Hidden | Kind::Bad | Kind::End => false,
        _ => true,
    }
}

/// Whether a value for several columns, or the end of a list of these, can begin with a token.
pub fn begins_columns_value(kind: Kind) -> bool {
    use Symbol::{CloseParenthesis, Colon, OpenParenthesis, QuestionMark};
    match kind {
        Kind::End => true,
        Kind::Symbol(symbol) => matches!(
            symbol,
            CloseParenthesis | Colon | OpenParenthesis | QuestionMark
        ),
        _ => false,
    }
}

fn follows_table(kind: Kind) -> bool {
    use Keyword::{
        Add, Allow, Alter, As, Drop, From, Group, Json, Limit, NoRecursive, Of, Order, Per,
        Primary, Rename, Set, To, Using, Where, With,
    };
    match kind {
        Kind::End | Kind::Symbol(Symbol::OpenParenthesis | Symbol::Semicolon) => true,
        Kind::Keyword(word) => matches!(
            word,
            Add | Allow
                | Alter
                | As
                | Drop
                | From
                | Group
                | Json
                | Limit
                | NoRecursive
                | Of
                | Order
                | Per
                | Primary
                | Rename
                | Set
                | To
                | Using
                | Where
                | With
        ),
        _ => false,
    }
}

fn follows_type(kind: Kind) -> bool {
    use Keyword::{FinalFunction, InitialCondition, Language, Masked, Primary, Static};
    use Symbol::{CloseParenthesis, Comma, Greater, Semicolon};
    match kind {
        Kind::End => true,
        Kind::Keyword(word) => matches!(
            word,
            FinalFunction | InitialCondition | Language | Masked | Primary | Static
        ),
        Kind::Symbol(symbol) => matches!(symbol, CloseParenthesis | Comma | Greater | Semicolon),
        _ => false,
    }
}

/// Whether a token can follow a term.
pub fn follows_term(kind: Kind) -> bool {
    use Keyword::{
        Allow, And, Apply, Ascending, Delete, Descending, Group, If, Insert, Limit, Order, Per,
        Primary, Update, Where,
    };
    match kind {
        Kind::Keyword(word) => matches!(
            word,
            Allow
                | And
                | Apply
                | Ascending
                | Delete
                | Descending
                | Group
                | If
                | Insert
                | Limit
                | Order
                | Per
                | Primary
                | Update
                | Where
        ),
        Kind::Symbol(Symbol::Range) => true,
        _ => operates_or_closes(kind),
    }
}

/// Whether a token can follow a selector; brackets and parentheses make it a longer one.
pub fn follows_selector(kind: Kind) -> bool {
    use Keyword::{Allow, As, From, Limit, Order, Per};
    match kind {
        Kind::Keyword(word) => matches!(word, Allow | As | From | Limit | Order | Per),
        Kind::Symbol(Symbol::OpenBracket | Symbol::OpenParenthesis) => true,
        _ => operates_or_closes(kind),
    }
}

fn operates_or_closes(kind: Kind) -> bool {
    use Symbol::{
        CloseBrace, CloseBracket, CloseParenthesis, Colon, Comma, Minus, Percent, Plus, Semicolon,
        Slash, Star,
    };
    match kind {
        Kind::End => true,
        Kind::Symbol(symbol) => matches!(
            symbol,
            CloseBrace
                | CloseBracket
                | CloseParenthesis
                | Colon
                | Comma
                | Minus
                | Percent
                | Plus
                | Semicolon
                | Slash
                | Star
        ),
        _ => false,
    }
}
