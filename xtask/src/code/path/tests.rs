//! The proof on small programs, written as words.

use super::*;

const NO_TABLES: Range<u64> = 0..0;
const RET: u32 = 0xd65f_03c0;
const NOP: u32 = 0xd503_201f;
const MMU_ON: u32 = 0xd518_1000; // msr sctlr_el1, x0
const FLUSH: u32 = 0xd50b_7e20; // dc civac, x0
const STORE: u32 = 0xf900_0001; // str x1, [x0]
const BACK_ONE: u32 = 0x54ff_ffe3; // b.lo .-4
const BRK: u32 = 0xd420_0020;

fn call(words: i32) -> u32 {
    0x9400_0000 | words as u32 & 0x03ff_ffff
}

/// An image of AArch64 words at 0 with `install_map` at a word.
pub(in crate::code) fn image(words: &[u32], install: u64) -> Image {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    Image::flat(0x4000_0000, &bytes, &[("_start", 0x4000_0000), (INSTALL, 0x4000_0000 + 4 * install)])
}

/// A proof of an AArch64 image whose tables lie there.
pub(in crate::code) fn proof(image: &Image, tables: Range<u64>) -> Result<Proof> {
    prove(image, Arch::Aarch64, &tables)
}

fn refused(words: &[u32], install: u64) -> String {
    prove(&image(words, install), Arch::Aarch64, &NO_TABLES).expect_err("a demand is not met").to_string()
}

#[test]
fn straight_code_with_cache_maintenance_passes() {
    let words = [NOP, call(3), BRK, BRK, FLUSH, BACK_ONE, MMU_ON, RET];
    let proof = prove(&image(&words, 4), Arch::Aarch64, &NO_TABLES).expect("nothing loops over memory");
    assert_eq!(proof, Proof { before: 2, install: 4, loops: 1, readers: 0, clears: 0 });
}

#[test]
fn a_loop_that_stores_is_found_before_the_call_and_in_it() {
    let error = refused(&[STORE, BACK_ONE, call(2), BRK, MMU_ON, RET], 4);
    assert!(error.contains("0x40000000") && error.contains("_start"), "{error}");
    let error = refused(&[NOP, call(2), BRK, STORE, BACK_ONE, MMU_ON, RET], 3);
    assert!(error.contains("0x4000000c") && error.contains(INSTALL), "{error}");
}

#[test]
fn a_loop_that_stores_is_found_in_a_callee() {
    let error = refused(&[call(5), call(2), BRK, MMU_ON, RET, STORE, BACK_ONE, RET], 3);
    assert!(error.contains("stores or reads"), "{error}");
}

#[test]
fn what_leads_to_a_trap_only_does_not_count() {
    // cbz x0, .+12 to a loop that stores and then traps.
    let words = [0xb400_0060, call(4), BRK, STORE, BACK_ONE, BRK, MMU_ON, RET];
    prove(&image(&words[..], 6), Arch::Aarch64, &NO_TABLES).expect_err("the call leads elsewhere");
    let words = [0xb400_0060, call(5), BRK, STORE, BACK_ONE, BRK, MMU_ON, RET];
    let proof = prove(&image(&words, 6), Arch::Aarch64, &NO_TABLES).expect("the storing loop is on no way to the end");
    assert_eq!(proof.before, 2);
}

#[test]
fn a_callee_that_never_returns_ends_the_way() {
    // The call at 0 goes to a trap, so that nothing leads to install_map.
    let error = refused(&[call(3), call(3), BRK, BRK, MMU_ON, RET], 4);
    assert!(error.contains("no path"), "{error}");
}

#[test]
fn what_cannot_be_followed_is_refused() {
    let error = refused(&[0xd63f_0100, call(2), BRK, MMU_ON, RET], 3); // blr x8
    assert!(error.contains("cannot be followed"), "{error}");
    let error = refused(&[NOP, call(2), BRK, MMU_ON, 0xd61f_0100], 3); // br x8
    assert!(error.contains("cannot be followed"), "{error}");
}

#[test]
fn recursion_is_refused() {
    let error = refused(&[call(5), call(2), BRK, MMU_ON, RET, call(0), RET], 3);
    assert!(error.contains("calls itself"), "{error}");
    // The function with the end calls the entry again: cbz x0, install; bl _start.
    let error = refused(&[0xb400_0040, call(5), call(2), BRK, MMU_ON, RET, call(-6), call(-3), BRK], 4);
    assert!(error.contains("calls itself"), "{error}");
}

const LOAD: u32 = 0xf840_8401; // ldr x1, [x0], #8
const PUSH: u32 = 0xf81f_0fe1; // str x1, [sp, #-16]!

#[test]
fn a_loop_may_read_before_the_installation_and_push() {
    let words = [call(5), call(2), BRK, MMU_ON, RET, LOAD, call(3), BACK_ONE, RET, PUSH, RET];
    let found = prove(&image(&words, 3), Arch::Aarch64, &NO_TABLES).expect("it writes no table");
    assert_eq!((found.readers, found.loops), (1, 0));
    let error = refused(&[NOP, call(2), BRK, LOAD, BACK_ONE, MMU_ON, RET], 3);
    assert!(error.contains("0x4000000c") && error.contains(INSTALL), "{error}");
}

#[test]
fn a_loop_may_not_call_what_stores() {
    let words = [call(5), call(2), BRK, MMU_ON, RET, LOAD, call(3), BACK_ONE, RET, STORE, RET];
    assert!(refused(&words, 3).contains("stores or reads"));
}

#[test]
fn a_loop_may_not_read_where_the_tables_address_is_known() {
    // adrp x0, 0x4000_1000; then with add x0, x0, #0x10.
    for (words, from) in [
        (vec![0xb000_0000, LOAD, BACK_ONE, call(2), BRK, MMU_ON, RET], 0x4000_1800),
        (vec![0xb000_0000, 0x9100_4000, LOAD, BACK_ONE, call(2), BRK, MMU_ON, RET], 0x4000_1000),
    ] {
        let image = image(&words, words.len() as u64 - 2);
        proof(&image, 0x4800_0000..0x4800_1000).expect("far away");
        let error = proof(&image, from..from + 0x1000).expect_err("it may read them").to_string();
        assert!(error.contains("forms an address"), "{error}");
    }
}

#[test]
fn a_tail_call_is_an_end_too() {
    let proof =
        prove(&image(&[NOP, 0x1400_0002, BRK, MMU_ON, RET], 3), Arch::Aarch64, &NO_TABLES).expect("b install_map");
    assert_eq!(proof.before, 2);
}

#[test]
fn a_second_way_to_the_end_behind_the_first_is_refused() {
    // _start calls a wrapper of install_map twice; the wrapper may return early.
    let words = [call(3), call(2), BRK, 0xb400_0040, call(2), RET, MMU_ON, RET];
    let error = refused(&words, 6);
    assert!(error.contains("may come back"), "{error}");
}

#[test]
fn an_installation_that_switches_nothing_on_is_refused() {
    let error = refused(&[call(2), BRK, NOP, RET], 2);
    assert!(error.contains("does not switch the MMU on"), "{error}");
}

#[test]
fn on_x86_the_way_ends_where_paging_is_switched_on() {
    // mov cr3, eax; mov cr0, eax; (anything) — and install_map: mov cr3, rax; ret
    let good = [0x0f, 0x22, 0xd8, 0x0f, 0x22, 0xc0, 0xff, 0xff, 0x0f, 0x22, 0xd8, 0xc3];
    let proof = prove(&Image::flat(0x1000, &good, &[(INSTALL, 0x1008)]), Arch::X86_64, &NO_TABLES).expect("no loop");
    assert_eq!(proof, Proof { before: 2, install: 2, loops: 0, readers: 0, clears: 0 });
    // rep stosd before that.
    let bad = [0xf3, 0xab, 0x0f, 0x22, 0xc0, 0x0f, 0x22, 0xd8, 0xc3];
    let error = prove(&Image::flat(0x1000, &bad, &[(INSTALL, 0x1005)]), Arch::X86_64, &NO_TABLES).expect_err("a loop");
    assert!(error.to_string().contains("0x1000"), "{error}");
}
