// Exceptions and the probes that provoke them.
//
// A probe saves its stack pointer, arms `probe_stack` and performs one access. Whatever exception follows records what
// the CPU reported and returns to the saved frame, as longjmp would: interrupts stay off throughout, so that nothing
// else is ever in flight. An exception while no probe is armed is fatal.

    .section .bss.probe, "aw", @nobits
    .balign 8
    .globl probe_report
probe_report:                               // vector, error code, cr2, rip
    .skip 32
probe_stack:
    .skip 8

    .section .text.probe, "ax", @progbits

// rdi = kind, rsi = address, rdx = value, rcx = code to enter, r8 = its flags.
// Returns rax = 0 if the access was done, 1 if an exception ended it; rdx = the value read.
    .globl probe_access
probe_access:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushfq
    orq $0x40000, (%rsp)                    // AC: the kernel may touch user memory (SMAP)
    popfq
    movq %rsp, probe_stack(%rip)
    leaq probe_kinds(%rip), %rax
    movslq (%rax,%rdi,4), %rdi
    addq %rdi, %rax
    jmpq *%rax

read_byte:
    movzbl (%rsi), %edx
    jmp probe_done
read_word:
    movl (%rsi), %edx
    jmp probe_done
write_byte:
    movb %dl, (%rsi)
    jmp probe_done
write_word:
    movl %edx, (%rsi)
    jmp probe_done
rewrite_byte:
    movb (%rsi), %dl
    movb %dl, (%rsi)
    jmp probe_done
rewrite_word:
    movl (%rsi), %edx
    movl %edx, (%rsi)

probe_done:
    xorl %eax, %eax
probe_leave:
    movq $0, probe_stack(%rip)
    pushfq
    andq $~0x40000, (%rsp)
    popfq
    movl %edx, %edx
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    retq

enter_kernel:                               // with the trap flag, so that one instruction is the most that runs
    leaq -256(%rsp), %rax
    pushq $0x10
    pushq %rax
    pushq %r8
    pushq $0x08
    pushq %rcx
    iretq

enter_user:                                 // rsp leads nowhere
    pushq ${user_data}
    pushq ${nowhere}
    pushq %r8
    pushq ${user_code}
    pushq %rcx
    iretq

    .section .rodata.probe, "a", @progbits
    .balign 4
probe_kinds:
    .long read_byte - probe_kinds
    .long read_word - probe_kinds
    .long write_byte - probe_kinds
    .long write_word - probe_kinds
    .long rewrite_byte - probe_kinds
    .long rewrite_word - probe_kinds
    .long enter_kernel - probe_kinds
    .long enter_user - probe_kinds
    .section .text.probe, "ax", @progbits

    .macro trap_entry vector, has_error
    .balign 16
    .if \has_error == 0
    pushq $0
    .endif
    pushq $\vector
    jmp trap
    .endm

    .balign 16
    .globl trap_entries
trap_entries:
    .irp vector, 0,1,2,3,4,5,6,7
    trap_entry \vector, 0
    .endr
    trap_entry 8, 1
    trap_entry 9, 0
    .irp vector, 10,11,12,13,14
    trap_entry \vector, 1
    .endr
    .irp vector, 15,16
    trap_entry \vector, 0
    .endr
    trap_entry 17, 1
    .irp vector, 18,19,20
    trap_entry \vector, 0
    .endr
    trap_entry 21, 1
    .irp vector, 22,23,24,25,26,27,28
    trap_entry \vector, 0
    .endr
    .irp vector, 29,30
    trap_entry \vector, 1
    .endr
    trap_entry 31, 0

// Stack: vector, error code, rip, cs, rflags, rsp, ss.
trap:
    cld
    cmpq $0, probe_stack(%rip)
    je 3f
    popq %rcx
    popq %rax
    movq %rcx, probe_report(%rip)
    movq %rax, probe_report+8(%rip)
    movq %cr2, %rax
    movq %rax, probe_report+16(%rip)
    popq %rax
    movq %rax, probe_report+24(%rip)
    movq probe_stack(%rip), %rsp
    movl $1, %eax
    jmp probe_leave
3:  popq %rdi
    popq %rsi
    popq %rdx
    movq %cr2, %rcx
    andq $-16, %rsp
    callq {fatal}
    ud2
