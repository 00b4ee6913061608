use std::path::Path;

use super::expand::expand;
use super::find::calls;
use super::token::written;
use super::unit::{Prelude, Surroundings, Unit};
use super::value::{address, evaluate};

fn unit(text: &str) -> Unit {
    Unit::of(text, Path::new("a.c"), Prelude::default(), &Surroundings::default()).expect("C")
}

fn value(text: &str) -> Result<i128, String> {
    let unit = unit(text);
    evaluate(&unit, &unit.words).map_err(|error| format!("{error:#}"))
}

#[test]
fn expressions_have_the_values_of_c() {
    for (text, wanted) in [
        ("1 + 2 * 3 << 4", 0x70),
        ("0x10UL | 0b11 | 010", 0x1b),
        ("(uintptr_t)(unsigned long)0x1000 - 1", 0xfff),
        ("~0xfff & 0x12345", 0x12000),
        ("-(4 - 6) * !0", 2),
        ("3 > 2 ? 10 : 20", 10),
        ("1 == 2 || 3 != 4 && 5 <= 5", 1),
        ("#define A(x) ((x) + B)\n#define B 7U\nA(1) % 5 /* a comment\n over lines */ - // and one\n 3", 0),
        ("#define CAT(a, b) a ## b\n#define XY 9\nCAT(X, Y)", 9),
        ("#define LIST(first, ...) (first) + (__VA_ARGS__)\nLIST(1, 2)", 3),
        ("#if defined(X) || Y\n1\n#elif !defined X && (2 > 1)\n2\n#else\n3\n#endif", 2),
        ("#define N \\\n 5\nN", 5),
    ] {
        assert_eq!(value(text), Ok(wanted), "{text}");
    }
    let unit = unit("~0");
    assert_eq!(address(&unit, &unit.words).expect("64 bits"), u64::MAX);
}

#[test]
fn what_has_no_value_is_named() {
    for (text, wanted) in [
        ("A + B(1, C)", "`A`, `B(1,C)` have no value here"),
        ("__START__ - 1", "-D '__START__=…'"),
        ("1 / 0", "division by 0"),
        ("1 << 64", "a shift by 64"),
        ("(1", "`)` is missing"),
        ("1 2", "`2` is not expected"),
        ("\"text\"", "not expected"),
        ("", "too early"),
        ("18446744073709551615 * 18446744073709551615", "too large"),
    ] {
        let error = value(text).expect_err(text);
        assert!(error.contains(wanted), "{text}: {error}");
    }
}

#[test]
fn expansion_ends() {
    assert!(value("#define A A + 1\nA").expect_err("a name").contains("`A`"));
    assert!(value("#define F(x) x(x)\nF(F)").is_err());
    let mut text = String::from("#define A0 1 + 1\n");
    for n in 1..64 {
        text += &format!("#define A{n} A{} + A{}\n", n - 1, n - 1);
    }
    assert!(value(&(text + "A63")).expect_err("too much").contains("words"));
    assert!(value(&"(".repeat(100_000)).is_err());
    assert!(value(&("(int)".repeat(100_000) + "1")).is_err());
    assert_eq!(value(&("-".repeat(100_000) + "1")), Ok(1));
}

#[test]
fn calls_keep_their_place_and_the_macro_that_made_them() {
    let text =
        "#define MAP_UART MAP(UART_BASE, \\\n 0x1000)\n\nint MAP(int a);\nx = {\n MAP_UART,\n MAP((1, 2), y)\n};";
    let unit = unit(text);
    let words = expand(&unit, &unit.words, &["MAP"]).expect("expansion");
    let found = calls(&words, &["MAP"]).expect("few calls");
    let shown: Vec<_> =
        found.iter().map(|call| (unit.place(call.place), call.from.as_deref(), written(&call.words))).collect();
    assert_eq!(shown[0], ("a.c:6".to_owned(), Some("MAP_UART"), "MAP(UART_BASE, 0x1000)".to_owned()));
    assert_eq!(shown[1].0, "a.c:7");
    assert_eq!((found.len(), found[1].arguments.len()), (2, 2));
}
