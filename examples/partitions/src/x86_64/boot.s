// From the PVH entry (32-bit protected mode, flat segments, no paging) to the top 2 GiB, with the finished tables.
//
// The code is linked in the top 2 GiB and runs at its physical address: `start` is the first byte of the region `text`.

    .section .note.pvh, "a", @note
    .balign 4
    .long 4                                 // name size
    .long 8                                 // descriptor size
    .long 18                                // XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad {phys}                            // of _start

    .section .init, "ax", @progbits
    .code32
    .globl _start
_start:
start:
    cli
    cld
    // RAM survives a reset of the machine: a second start-up is the end of a triple fault.
    movl $({cookie}), %edi
    cmpl $0x7461626c, (%edi)
    je 9f
    movl $0x7461626c, (%edi)

    movl %cr4, %eax
    orl ${cr4}, %eax
    movl %eax, %cr4
    movl ${root}, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx                  // IA32_EFER
    rdmsr
    orl ${efer}, %eax
    wrmsr
    movl %cr0, %eax
    orl ${cr0}, %eax
    movl %eax, %cr0
    lgdt boot_gdt_pointer - start + {phys}
    ljmp $0x08, $(long_mode - start + {phys})

9:  movl $0, (%edi)
    movw ${failure_port}, %dx
    movl $0x7f, %eax                        // exit status 255
    outl %eax, %dx
    hlt

    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff                // 64-bit code, accessed
    .quad 0x00cf93000000ffff                // data, accessed
boot_gdt_pointer:
    .word boot_gdt_pointer - boot_gdt - 1
    .long boot_gdt - start + {phys}

    .code64
long_mode:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movabsq $higher_half, %rax
    jmpq *%rax

    .section .text.higher_half, "ax", @progbits
higher_half:
    movabsq ${stack_top}, %rsp
    xorl %ebp, %ebp
    callq {main}
    ud2
