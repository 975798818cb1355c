//! How a type of documents is declared, for reading and writing at once: beside the type, by its
//! fields in their order. That serde reads and writes the same is held by tests.
//!
//! A field is there always, or:
//! - `optional`: left out where it is as it is by default;
//! - `defaulted`: written always, and by default where it is missing;
//! - `present`: a value that may be absent, which is something else than `null`.
//!
//! `or default` behind a type: where it is optional, it is left out as it is by default.

/// A struct: its fields by their names.
macro_rules! document_struct {
    ($type:ident { $($field:ident $(: $rule:ident)?),* $(,)? } $(or $default:ident)?) => {
        impl $crate::tree::Take for $type {
            fn take<const IS_TEXT: bool>(
                tree: &mut $crate::tree::Tree<'_>,
                faults: &mut $crate::tree::Faults,
            ) -> Self {
                const FIELDS: &[&str] = &[$(stringify!($field)),*];
                let mut fields = $crate::tree::Fields::of(tree, FIELDS, faults);
                Self { $($field: $crate::tree::take_field!(fields IS_TEXT $($rule)?)),* }
            }
        }

        impl $crate::tree::Give for $type {
            fn give(&self, is_text: bool) -> $crate::tree::Tree<'static> {
                const FIELDS: &[&str] = &[$(stringify!($field)),*];
                let mut made = $crate::tree::Made::of(FIELDS, is_text);
                $($crate::tree::give_field!(made (&self.$field) $($rule)?);)*
                made.tree()
            }

            $(fn is_absent(&self) -> bool {
                *self == Self::$default()
            })?
        }
    };
}

/// An enum: its variants with their names and fields; `(_)` for one with a value in it, `()` for
/// one without.
macro_rules! document_enum {
    ($type:ident { $($name:literal => $variant:ident $content:tt),* $(,)? }
     $(or $default:ident)?) => {
        impl $crate::tree::Take for $type {
            fn take<const IS_TEXT: bool>(
                tree: &mut $crate::tree::Tree<'_>,
                faults: &mut $crate::tree::Faults,
            ) -> Self {
                #[derive(Clone, Copy)]
                enum Place { $($variant),* }
                const NAMES: &[&str] = &[$($name),*];
                const PLACES: &[Place] = &[$(Place::$variant),*];
                let (place, content) = $crate::tree::variant(tree, NAMES, faults);
                let value = match PLACES[place] {
                    $(Place::$variant => {
                        $crate::tree::take_variant!(content faults IS_TEXT $variant $content)
                    })*
                };
                faults.leave();
                value
            }
        }

        impl $crate::tree::Give for $type {
            fn give(&self, is_text: bool) -> $crate::tree::Tree<'static> {
                match self {
                    $($crate::tree::variant_pattern!($variant value $content) => {
                        $crate::tree::give_variant!($name value is_text $content)
                    })*
                }
            }

            $(fn is_absent(&self) -> bool {
                *self == Self::$default()
            })?
        }
    };
}

/// A type that is in documents as what is in it.
macro_rules! document_newtypes {
    ($($type:ident),* $(,)?) => {
        $(impl $crate::tree::Take for $type {
            fn take<const IS_TEXT: bool>(
                tree: &mut $crate::tree::Tree<'_>,
                faults: &mut $crate::tree::Faults,
            ) -> Self {
                Self($crate::tree::Take::take::<IS_TEXT>(tree, faults))
            }
        }

        impl $crate::tree::Give for $type {
            fn give(&self, is_text: bool) -> $crate::tree::Tree<'static> {
                self.0.give(is_text)
            }
        })*
    };
}

macro_rules! take_variant {
    ($content:ident $faults:ident $is_text:ident $variant:ident ()) => {{
        $crate::tree::unit($content, $faults);
        Self::$variant
    }};
    ($content:ident $faults:ident $is_text:ident $variant:ident (_)) => {
        Self::$variant($crate::tree::Take::take::<$is_text>($content, $faults))
    };
    ($content:ident $faults:ident $is_text:ident $variant:ident
     { $($field:ident $(: $rule:ident)?),* $(,)? }) => {{
        const FIELDS: &[&str] = &[$(stringify!($field)),*];
        let mut fields = $crate::tree::Fields::of($content, FIELDS, $faults);
        Self::$variant { $($field: $crate::tree::take_field!(fields $is_text $($rule)?)),* }
    }};
}

macro_rules! take_field {
    ($fields:ident $is_text:ident) => {
        $fields.needed::<_, $is_text>()
    };
    ($fields:ident $is_text:ident present) => {
        $fields.present::<$is_text>()
    };
    ($fields:ident $is_text:ident $optional:ident) => {
        $fields.optional::<_, $is_text>()
    };
}

macro_rules! variant_pattern {
    ($variant:ident $value:ident ()) => {
        Self::$variant
    };
    ($variant:ident $value:ident (_)) => {
        Self::$variant($value)
    };
    ($variant:ident $value:ident { $($field:ident $(: $rule:ident)?),* $(,)? }) => {
        Self::$variant { $($field),* }
    };
}

macro_rules! give_variant {
    ($name:literal $value:ident $is_text:ident ()) => {{
        // An enum may have no other variants.
        let _ = $is_text;
        $crate::tree::Tree::Text(::std::borrow::Cow::Borrowed($name))
    }};
    ($name:literal $value:ident $is_text:ident (_)) => {
        $crate::tree::named($name, $value.give($is_text))
    };
    ($name:literal $value:ident $is_text:ident
     { $($field:ident $(: $rule:ident)?),* $(,)? }) => {{
        const FIELDS: &[&str] = &[$(stringify!($field)),*];
        let mut made = $crate::tree::Made::of(FIELDS, $is_text);
        $($crate::tree::give_field!(made $field $($rule)?);)*
        $crate::tree::named($name, made.tree())
    }};
}

macro_rules! give_field {
    ($made:ident $field:tt) => {
        $made.always($field)
    };
    ($made:ident $field:tt defaulted) => {
        $made.always($field)
    };
    ($made:ident $field:tt optional) => {
        $made.optional($field)
    };
    ($made:ident $field:tt present) => {
        $made.optional($field)
    };
}

pub(crate) use {
    document_enum, document_newtypes, document_struct, give_field, give_variant, take_field,
    take_variant, variant_pattern,
};
