//! Splitting of a descriptor's text into the texts between its keys, and its keys.

use super::error::{DescriptorError, KeyError};
use super::key::{KeyExpr, KeyMaterial};

/// A part of a descriptor's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text as it stands there.
    Text(String),
    /// The key of a number.
    Key(usize),
}

/// Deepest nesting of functions and branches that is read: a tree of depth 128 with scripts of the deepest kind in it.
const NESTING_MAX: usize = 600;

/// An open bracket: the function before it (empty for a branch of a tree), and the position of the argument in it.
struct Open<'a> {
    function: &'a str,
    argument: usize,
    close: char,
}

/// Splits a descriptor. Equal keys get different numbers; each is checked.
pub(super) fn scan(text: &str) -> Result<(Vec<Piece>, Vec<KeyExpr>), DescriptorError> {
    let mut pieces = Vec::new();
    let mut keys = Vec::new();
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    let syntax = |rest: &str, expected| DescriptorError::Syntax { position: text.len() - rest.len(), expected };
    loop {
        // At the begin of an argument: a key, a branch of a tree, a function, or a number or hash.
        if let Some(innermost) = open.last()
            && takes_key(innermost)
        {
            let (key, after) = split_key(rest);
            let number = keys.len();
            let expr = KeyExpr::parse(key).map_err(|problem| DescriptorError::Key { number, problem })?;
            check_place(&open, &expr, number)?;
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
            pieces.push(Piece::Key(number));
            keys.push(expr);
            rest = after;
        } else if let Some(after) = rest.strip_prefix('{') {
            if !open.iter().all(|open| open.function == "tr" || open.function.is_empty()) || open.is_empty() {
                return Err(syntax(rest, "a function, and no {,"));
            }
            plain.push('{');
            push(&mut open, Open { function: "", argument: 0, close: '}' }).ok_or(syntax(rest, "less nesting"))?;
            rest = after;
            continue;
        } else {
            let (word, after) = rest.split_at(rest.find(['(', ')', '{', '}', ',']).unwrap_or(rest.len()));
            if word.is_empty() {
                return Err(syntax(rest, "a function, a key or a number"));
            }
            plain.push_str(word);
            if let Some(inside) = after.strip_prefix('(') {
                let function = word.rsplit(':').next().unwrap_or(word);
                check_function(&open, function)?;
                plain.push('(');
                push(&mut open, Open { function, argument: 0, close: ')' }).ok_or(syntax(rest, "less nesting"))?;
                rest = inside;
                continue;
            }
            if open.is_empty() {
                return Err(syntax(after, "an opening bracket"));
            }
            rest = after;
        }
        // After an argument: a comma, or closing brackets up to one.
        loop {
            let mut after = rest.chars();
            match (after.next(), open.last_mut()) {
                (Some(','), Some(innermost)) => {
                    innermost.argument += 1;
                    plain.push(',');
                    rest = after.as_str();
                    break;
                }
                (Some(close), Some(innermost)) if close == innermost.close => {
                    open.pop();
                    plain.push(close);
                    rest = after.as_str();
                }
                (None, None) => {
                    pieces.push(Piece::Text(plain));
                    return Ok((pieces, keys));
                }
                (_, None) => return Err(syntax(rest, "the end")),
                (_, Some(_)) => return Err(syntax(rest, "a comma or a closing bracket")),
            }
        }
    }
}

fn push<'a>(open: &mut Vec<Open<'a>>, bracket: Open<'a>) -> Option<()> {
    if open.len() == NESTING_MAX {
        return None;
    }
    open.push(bracket);
    Some(())
}

/// True if the argument is a key.
fn takes_key(open: &Open<'_>) -> bool {
    match open.function {
        "pk" | "pkh" | "pk_k" | "pk_h" | "wpkh" | "combo" | "tr" | "rawtr" => open.argument == 0,
        "multi" | "sortedmulti" | "multi_a" | "sortedmulti_a" => open.argument > 0,
        _ => false,
    }
}

/// Splits a key expression from what follows it. The brackets of `musig()` belong to the key.
fn split_key(text: &str) -> (&str, &str) {
    let mut depth = 0_usize;
    let end = text.find(|character| match character {
        '(' => {
            depth += 1;
            false
        }
        ')' if depth > 0 => {
            depth -= 1;
            false
        }
        ',' => depth == 0,
        ')' | '}' => true,
        _ => false,
    });
    text.split_at(end.unwrap_or(text.len()))
}

fn is_taproot(function: &str) -> bool {
    matches!(function, "tr" | "rawtr")
}

fn check_function(open: &[Open<'_>], function: &str) -> Result<(), DescriptorError> {
    if function == "musig" {
        return Err(DescriptorError::MusigPlace);
    }
    if is_taproot(function) && !open.is_empty() { Err(DescriptorError::NestedTaproot) } else { Ok(()) }
}

/// Which forms of keys may stand where.
fn check_place(open: &[Open<'_>], expr: &KeyExpr, number: usize) -> Result<(), DescriptorError> {
    let in_taproot = open.first().is_some_and(|outermost| is_taproot(outermost.function));
    let refused = |problem| Err(DescriptorError::Key { number, problem });
    match expr {
        KeyExpr::Musig(_) if !in_taproot => Err(DescriptorError::MusigPlace),
        KeyExpr::Musig(_) => Ok(()),
        KeyExpr::Single(single) => match single.key {
            KeyMaterial::Uncompressed(_) if in_taproot => refused(KeyError::Uncompressed),
            KeyMaterial::XOnly(_) if !in_taproot => refused(KeyError::XOnly),
            KeyMaterial::Compressed(_)
            | KeyMaterial::Uncompressed(_)
            | KeyMaterial::XOnly(_)
            | KeyMaterial::Xpub(_) => Ok(()),
        },
    }
}
