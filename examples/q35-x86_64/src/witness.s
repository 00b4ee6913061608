// Stores a mark through the witness' tables and reads it through those under test.
//
// rdi = address of a word in the witness' window, rsi = virtual address under test, edx and ecx = masks: the word
// becomes (old & edx) ^ ecx while the one at rsi is read, and is then put back. r8 = root of the witness.
// Returns rax = the word that was stored, rdx = the word that was read.
//
// Between the two stores only registers are used, so that the word may be any that this code does not consist of: part
// of a stack in use, of code, of the kernel's data.

    .section .text.witness, "ax", @progbits
    .balign 128
    .globl observe
observe:
    pushfq
    orq $0x40000, (%rsp)                    // AC: the kernel may touch user memory (SMAP)
    popfq
    movq %cr3, %r9
    movq %r8, %cr3
    movl (%rdi), %eax
    andl %eax, %edx
    xorl %ecx, %edx
    movl %edx, (%rdi)
    movq %r9, %cr3
    movl (%rsi), %ecx
    movq %r8, %cr3
    movl %eax, (%rdi)
    movq %r9, %cr3
    movl %edx, %eax
    movl %ecx, %edx
    pushfq
    andq $~0x40000, (%rsp)
    popfq
    retq
