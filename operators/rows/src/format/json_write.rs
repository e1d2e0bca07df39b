//! Values into JSON, by a schema. Apart from reading.
//!
//! Numbers that JSON has no form for, NaN and the infinities, are written as text, and so are times and bytes.

use super::json_shape::{Shape, Slot};
use super::malformed::Unwritable;
use super::scalar;
use crate::row::Row;
use crate::schema::Schema;
use crate::value::Value;

/// Whether the row has a value for each column and no more.
pub(crate) fn check_width(schema: &Schema, row: &Row) -> Result<(), Unwritable> {
    let (columns, values) = (schema.columns(), row.len());
    if columns.len() == values {
        return Ok(());
    }
    let column = columns.get(values).or_else(|| columns.last());
    Err(Unwritable {
        column: column.map(|column| column.name.to_string()).unwrap_or_default(),
        message: format!("the row has {values} values, its schema {} columns", columns.len()),
    })
}

#[cold]
fn misfit(slot: &Slot, value: &Value) -> String {
    let optional = if slot.nullable { "?" } else { "" };
    format!("its type is {}{optional}, but the row has {} there", slot.data_type, value.shown())
}

/// Whether the value may stand in the slot; what is within lists and structs is seen when it is written.
#[inline]
pub(crate) fn check(slot: &Slot, value: &Value) -> Result<(), String> {
    use crate::data_type::DataType as T;
    let fits = match (value, &slot.data_type) {
        (Value::Null, _) => slot.nullable,
        (Value::Boolean(_), T::Boolean)
        | (Value::Int64(_), T::Int64)
        | (Value::Float64(_), T::Float64)
        | (Value::Decimal(_), T::Decimal)
        | (Value::String(_), T::String)
        | (Value::Timestamp(_), T::Timestamp)
        | (Value::Bytes(_), T::Bytes)
        | (Value::List(_), T::List(_)) => true,
        (Value::Struct(values), T::Struct(fields)) => values.len() == fields.len(),
        _ => false,
    };
    if fits { Ok(()) } else { Err(misfit(slot, value)) }
}

/// Appends a value.
pub(crate) fn value(slot: &Slot, value: &Value, out: &mut Vec<u8>) -> Result<(), String> {
    check(slot, value)?;
    match (value, &slot.shape) {
        (Value::Null, _) => out.extend_from_slice(b"null"),
        (Value::List(values), Shape::List(element)) => {
            out.push(b'[');
            for (index, inner) in values.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                self::value(element, inner, out)?;
            }
            out.push(b']');
        }
        (Value::Struct(values), Shape::Struct(object)) => members(&object.slots, values, out)?,
        (Value::String(text), _) => {
            serde_json::to_writer(out, text.as_str()).map_err(|error| error.to_string())?;
        }
        (Value::Float64(number), _) if number.is_finite() => {
            scalar::write(value, out);
        }
        (Value::Float64(_) | Value::Timestamp(_) | Value::Bytes(_), _) => {
            // None of these has a character that JSON would escape.
            out.push(b'"');
            scalar::write(value, out);
            out.push(b'"');
        }
        _ => {
            scalar::write(value, out);
        }
    }
    Ok(())
}

fn members(slots: &[Slot], values: &[Value], out: &mut Vec<u8>) -> Result<(), String> {
    out.push(b'{');
    for (index, (slot, inner)) in slots.iter().zip(values).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(&slot.label);
        value(slot, inner, out).map_err(|message| format!("field `{}`: {message}", slot.name))?;
    }
    out.push(b'}');
    Ok(())
}

/// Appends a row as one object.
pub(crate) fn row(slots: &[Slot], row: &Row, out: &mut Vec<u8>) -> Result<(), Unwritable> {
    out.push(b'{');
    for (index, (slot, inner)) in slots.iter().zip(row.values()).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(&slot.label);
        value(slot, inner, out)
            .map_err(|message| Unwritable { column: slot.name.to_string(), message })?;
    }
    out.push(b'}');
    Ok(())
}
