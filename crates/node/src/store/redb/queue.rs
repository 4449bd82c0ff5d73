//! Tables under running numbers, which keep so many entries and no more.

use motet_coordinator::StoreError;
use redb::{ReadableTable, ReadableTableMetadata, Table, TableDefinition, WriteTransaction};

use super::failed::failed;

/// Adds an entry behind the last.
pub(super) fn push(table: &mut Table<'_, u64, &'static [u8]>, bytes: &[u8]) -> Result<(), StoreError> {
    let next = table.last().map_err(failed)?.map_or(0, |(number, _)| number.value().saturating_add(1));
    table.insert(next, bytes).map_err(failed)?;
    Ok(())
}

/// True if there are more entries than so many.
pub(super) fn exceeds(table: &Table<'_, u64, &'static [u8]>, most: usize) -> Result<bool, StoreError> {
    Ok(table.len().map_err(failed)? > u64::try_from(most).unwrap_or(u64::MAX))
}

/// Adds an entry. Beyond so many, the oldest makes room.
pub(super) fn append(
    transaction: &WriteTransaction,
    table: TableDefinition<'_, u64, &'static [u8]>,
    bytes: &[u8],
    most: usize,
) -> Result<(), StoreError> {
    let mut table = transaction.open_table(table).map_err(failed)?;
    push(&mut table, bytes)?;
    if exceeds(&table, most)? {
        table.pop_first().map_err(failed)?;
    }
    Ok(())
}
