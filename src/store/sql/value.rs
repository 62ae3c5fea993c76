//! The values of parameters.

/// A value, with the type of its column also if it is NULL.
#[derive(Debug, Clone)]
pub(in crate::store) enum Value {
    Integer(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

/// A type of Rust that can be bound.
pub(in crate::store) trait Bind {
    /// NULL of this type.
    const NULL: Value;

    fn value(self) -> Value;
}

macro_rules! bind {
    ($variant:ident: $($type:ty => $convert:expr,)+) => {
        $(impl Bind for $type {
            const NULL: Value = Value::$variant(None);

            fn value(self) -> Value {
                Value::$variant(Some($convert(self)))
            }
        })+
    };
}

bind! { Integer:
    bool => i64::from,
    i32 => i64::from,
    u8 => i64::from,
    u32 => i64::from,
    i64 => i64::from,
}

bind! { Text:
    &str => str::to_owned,
    String => String::from,
    &String => String::clone,
}

bind! { Bytes:
    &[u8] => <[u8]>::to_vec,
    Vec<u8> => Vec::from,
    &Vec<u8> => Vec::clone,
}

impl<T: Bind> Bind for Option<T> {
    const NULL: Value = T::NULL;

    fn value(self) -> Value {
        self.map_or(T::NULL, T::value)
    }
}
