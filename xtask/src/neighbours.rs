//! The functions of a shipped module, in an order that compresses: like beside like.
//!
//! brotli tells a repetition by how far back it lies, and chooses its codes by what came just
//! before; both cost less where what repeats is near. The order of functions means nothing to who
//! runs them. wasm-opt puts the most called ones first, which makes calls a byte shorter here and
//! there and is lost again after brotli.

use std::collections::HashMap;
use std::convert::Infallible;

use anyhow::{Result, anyhow};
use wasm_encoder::reencode::{Error, Reencode};
use wasm_encoder::{CodeSection, FunctionSection, Module};
use wasmparser::{CodeSectionReader, FunctionSectionReader, Parser, Payload, TypeRef};

/// Two functions are alike by the runs of so many bytes that they share.
const RUN_BYTES: usize = 4;
/// What every function has, whatever it does: keeps tiny ones from looking like everything.
const OWN_BYTES: f64 = 20.0;
/// How much of the likeness to a function still counts, one function later.
const REMEMBERED: f64 = 0.7;

/// The module with its functions in another order. Nothing else changes.
pub fn reordered(module: &[u8]) -> Result<Vec<u8>> {
    let (imported, bodies) = functions(module)?;
    let order = like_beside_like(&bodies);
    let mut places = vec![0; order.len()];
    for (place, function) in order.iter().enumerate() {
        places[*function] = imported + u32::try_from(place)?;
    }
    let mut reordered = Module::new();
    Reordering {
        imported,
        order,
        places,
    }
    .parse_core_module(&mut reordered, Parser::new(0), module)
    .map_err(|error| anyhow!("functions cannot be reordered: {error}"))?;
    Ok(reordered.finish())
}

/// How many functions are imported, and the bodies of the others.
fn functions(module: &[u8]) -> Result<(u32, Vec<&[u8]>)> {
    let mut imported = 0;
    let mut bodies = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    if matches!(import?.ty, TypeRef::Func(_) | TypeRef::FuncExact(_)) {
                        imported += 1;
                    }
                }
            }
            Payload::CodeSectionEntry(body) => bodies.push(body.as_bytes()),
            _ => {}
        }
    }
    Ok((imported, bodies))
}

/// Each function after the one before, among those that are left the likest to it and, less and
/// less, to those before it. The longest is the first.
fn like_beside_like(bodies: &[&[u8]]) -> Vec<usize> {
    let runs = Runs::of(bodies);
    let own: Vec<f64> = runs
        .in_function
        .iter()
        .map(|runs| OWN_BYTES + number(runs.len()))
        .collect();
    let mut likeness = vec![0.0; bodies.len()];
    let mut left: Vec<usize> = (0..bodies.len()).collect();
    let mut order = Vec::with_capacity(bodies.len());
    let mut next = left.iter().copied().max_by_key(|it| bodies[*it].len());
    while let Some(function) = next {
        order.push(function);
        left.retain(|it| *it != function);
        for value in &mut likeness {
            *value *= REMEMBERED;
        }
        runs.add_likeness(function, &mut likeness);
        let by_likeness =
            |a: &usize, b: &usize| (likeness[*a] / own[*a]).total_cmp(&(likeness[*b] / own[*b]));
        next = left.iter().copied().max_by(by_likeness);
    }
    order
}

/// Which functions have which runs of bytes.
struct Runs {
    /// The runs of each function, by their numbers.
    in_function: Vec<Vec<usize>>,
    /// The functions that have each run.
    holders: Vec<Vec<usize>>,
}

impl Runs {
    fn of(bodies: &[&[u8]]) -> Self {
        let mut numbers = HashMap::new();
        let mut in_function = Vec::with_capacity(bodies.len());
        let mut holders: Vec<Vec<usize>> = Vec::new();
        for (function, body) in bodies.iter().enumerate() {
            let mut runs = Vec::new();
            for run in body.windows(RUN_BYTES) {
                let number = *numbers.entry(run).or_insert(holders.len());
                if number == holders.len() {
                    holders.push(Vec::new());
                }
                if holders[number].last() != Some(&function) {
                    holders[number].push(function);
                    runs.push(number);
                }
            }
            in_function.push(runs);
        }
        Self {
            in_function,
            holders,
        }
    }

    /// Adds what each function shares with this one; a run that many have counts less.
    fn add_likeness(&self, function: usize, likeness: &mut [f64]) {
        for run in &self.in_function[function] {
            let holders = &self.holders[*run];
            let weight = 1.0 / number(holders.len()).sqrt();
            for holder in holders {
                likeness[*holder] += weight;
            }
        }
    }
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Writes a module anew, its own functions in this order.
struct Reordering {
    imported: u32,
    order: Vec<usize>,
    /// The number that each function gets.
    places: Vec<u32>,
}

impl Reencode for Reordering {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, Error> {
        let own = function.checked_sub(self.imported);
        Ok(own.map_or(function, |own| self.places[own as usize]))
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), Error> {
        let types = section.into_iter().collect::<Result<Vec<_>, _>>()?;
        for function in &self.order {
            functions.function(types[*function]);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result<(), Error> {
        let bodies = section.into_iter().collect::<Result<Vec<_>, _>>()?;
        for function in self.order.clone() {
            self.parse_function_body(code, bodies[function].clone())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{
        ConstExpr, ElementSection, Elements, EntityType, ExportKind, ExportSection, Function,
        ImportSection, RefType, TableSection, TableType, TypeSection, ValType,
    };
    use wasmparser::{ElementItems, Operator};

    use super::*;

    const IMPORTED: u32 = 0;

    /// Two kinds of function by turns, that differ in their type, their number and whom they call.
    const OWN: [Own; 5] = [
        Own(1, 1_111, IMPORTED),
        Own(2, -2_222, 3),
        Own(1, 1_112, 5),
        Own(2, -2_223, 1),
        Own(1, 1_113, 2),
    ];

    /// What is known of a function wherever it stands: its type, its number, whom it calls.
    #[derive(Debug, Clone, Copy, PartialEq)]
    struct Own(u32, i64, u32);

    fn body(Own(kind, number, called): Own) -> Function {
        let mut function = Function::new([]);
        let mut code = function.instructions();
        code.i64_const(number);
        for step in 0..20 {
            if kind == 1 {
                code.i64_const(step).i64_add();
            } else {
                code.i64_eqz().i64_extend_i32_u();
            }
        }
        code.drop().call(called).end();
        function
    }

    /// Each function is exported under its number; the second and the first are in a table.
    fn module() -> Vec<u8> {
        let (mut types, mut imports) = (TypeSection::new(), ImportSection::new());
        let (mut functions, mut tables) = (FunctionSection::new(), TableSection::new());
        let (mut exports, mut elements) = (ExportSection::new(), ElementSection::new());
        let mut code = CodeSection::new();
        for parameters in [0, 0, 1] {
            types.ty().function(vec![ValType::I64; parameters], []);
        }
        imports.import("page", "imported", EntityType::Function(0));
        for (index, own) in (1..).zip(OWN) {
            functions.function(own.0);
            exports.export(&own.1.to_string(), ExportKind::Func, index);
            code.function(&body(own));
        }
        tables.table(TableType {
            element_type: RefType::FUNCREF,
            table64: false,
            minimum: 2,
            maximum: None,
            shared: false,
        });
        let table = Elements::Functions([2, 1].as_slice().into());
        elements.active(None, &ConstExpr::i32_const(0), table);
        let mut module = Module::new();
        module.section(&types).section(&imports).section(&functions);
        module.section(&tables).section(&exports);
        module.section(&elements).section(&code);
        module.finish()
    }

    /// The own functions of a module in their order, its exports and its table.
    fn read(module: &[u8]) -> (Vec<Own>, Vec<(i64, u32)>, Vec<u32>) {
        let (mut types, mut own) = (Vec::new(), Vec::new());
        let (mut exports, mut table) = (Vec::new(), Vec::new());
        for payload in Parser::new(0).parse_all(module) {
            match payload.unwrap() {
                Payload::FunctionSection(section) => types.extend(section.into_iter().flatten()),
                Payload::ExportSection(section) => {
                    let section = section.into_iter().flatten();
                    exports.extend(section.map(|it| (it.name.parse().unwrap(), it.index)));
                }
                Payload::ElementSection(section) => {
                    for element in section.into_iter().flatten() {
                        if let ElementItems::Functions(items) = element.items {
                            table.extend(items.into_iter().flatten());
                        }
                    }
                }
                Payload::CodeSectionEntry(body) => own.push(read_body(types[own.len()], &body)),
                _ => {}
            }
        }
        (own, exports, table)
    }

    fn read_body(kind: u32, body: &wasmparser::FunctionBody<'_>) -> Own {
        let mut own = Own(kind, 0, 0);
        for operator in body.get_operators_reader().unwrap().into_iter().flatten() {
            match operator {
                Operator::I64Const { value } if own.1 == 0 => own.1 = value,
                Operator::Call { function_index } => own.2 = function_index,
                _ => {}
            }
        }
        own
    }

    #[test]
    fn what_is_alike_stands_together_and_everything_means_what_it_meant() {
        let (own, exports, table) = read(&reordered(&module()).unwrap());
        let kinds: Vec<u32> = own.iter().map(|own| own.0).collect();
        assert!([[1, 1, 1, 2, 2], [2, 2, 1, 1, 1]].contains(&kinds[..].try_into().unwrap()));
        let number = |index: u32| match index {
            IMPORTED => 0,
            index => own[index as usize - 1].1,
        };
        for (name, index) in exports {
            assert_eq!(name, number(index));
        }
        let table: Vec<i64> = table.into_iter().map(number).collect();
        assert_eq!(table, [OWN[1].1, OWN[0].1]);
        for Own(_, own, called) in own.clone() {
            let before = OWN.iter().find(|it| it.1 == own).unwrap().2;
            let meant = before.checked_sub(1).map_or(0, |own| OWN[own as usize].1);
            assert_eq!(number(called), meant, "whom {own} calls");
        }
    }

    #[test]
    fn what_is_no_module_is_refused() {
        assert!(reordered(b"<!doctype html>").is_err());
    }
}
