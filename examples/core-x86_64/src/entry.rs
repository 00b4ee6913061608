//! From the emulator to Rust.

/// Defines `_start`, the first byte of a section: from the PVH entry (32-bit protected mode, flat segments, no paging) to the
/// function, in the top 2 GiB, with the finished tables.
///
/// Nothing in it touches a table, and nothing loops. It is linked in the top 2 GiB and runs at its physical address: `_start`
/// is where the declaration says, and everything else lies as far from it as where it was linked. `root` is the operand
/// that has the physical address of the root, and the number `{root}` in it; `text` where the section is loaded; `offset`
/// what the linker adds to that; `cookie` a word of RAM outside the image that tells a second start-up from the first;
/// `stack` where the stack ends.
#[macro_export]
macro_rules! start {
    (
        $main:path, section $section:literal, text $text:expr, offset $offset:expr, words $words:expr,
        root $root:literal $number:expr, stack $stack:expr, cookie $cookie:expr $(,)?
    ) => {
        ::core::arch::global_asm!(
            ".section .note.pvh, \"a\", @note",
            ".balign 4",
            ".long 4", // name size
            ".long 8", // descriptor size
            ".long 18", // XEN_ELFNOTE_PHYS32_ENTRY
            ".asciz \"Xen\"",
            ".quad {phys}", // of _start
            concat!(".section ", $section, ", \"ax\", @progbits"),
            ".code32",
            ".globl _start",
            "_start:",
            "start:",
            "cli",
            "cld",
            // RAM survives a reset of the machine: a second start-up is the end of a triple fault.
            "movl $({cookie}), %edi",
            "cmpl $0x7461626c, (%edi)",
            "je 9f",
            "movl $0x7461626c, (%edi)",
            "movl %cr4, %eax",
            "orl ${cr4}, %eax",
            "movl %eax, %cr4",
            concat!("movl ", $root, ", %eax"),
            "movl %eax, %cr3",
            "movl $0xc0000080, %ecx", // IA32_EFER
            "rdmsr",
            "orl ${efer}, %eax",
            "wrmsr",
            "movl %cr0, %eax",
            "orl ${cr0}, %eax",
            "movl %eax, %cr0",
            "lgdt boot_gdt_pointer - start + {phys}",
            "ljmp $0x08, $(long_mode - start + {phys})",
            "9: movl $0, (%edi)",
            "movw ${failure_port}, %dx",
            "movl $0x7f, %eax", // exit status 255
            "outl %eax, %dx",
            "hlt",
            ".balign 8",
            "boot_gdt:",
            ".quad 0",
            ".quad 0x00af9b000000ffff", // 64-bit code, accessed
            ".quad 0x00cf93000000ffff", // data, accessed
            "boot_gdt_pointer:",
            ".word boot_gdt_pointer - boot_gdt - 1",
            ".long boot_gdt - start + {phys}",
            ".code64",
            "long_mode:",
            "movl $0x10, %eax",
            "movl %eax, %ds",
            "movl %eax, %es",
            "movl %eax, %ss",
            "leaq higher_half(%rip), %rax",
            "movabsq ${offset}, %rcx",
            "addq %rcx, %rax",
            "jmpq *%rax",
            ".section .text.higher_half, \"ax\", @progbits",
            "higher_half:",
            "movabsq ${stack_top}, %rsp",
            "xorl %ebp, %ebp",
            "callq {main}",
            "ud2",
            phys = const $text,
            offset = const $offset,
            cookie = const $cookie,
            failure_port = const $crate::FAILURE_PORT,
            cr4 = const $words.start_cr4(),
            efer = const $words.start_efer(),
            root = const $number,
            cr0 = const $words.start_cr0(),
            stack_top = const $stack,
            main = sym $main,
            options(att_syntax)
        );
    };
}
