//! x86, 32-bit and long mode, by the decoder of `iced-x86`.

use iced_x86::{
    Decoder, DecoderOptions, FlowControl, Instruction as Decoded, InstructionInfoFactory, Mnemonic, OpAccess, OpKind,
    Register,
};

use super::{Flow, Instruction, Touch};
use crate::elf::Image;

/// One instruction in the mode of that many bits; `None` if the bytes are none.
pub(super) fn decode(image: &Image, address: u64, bytes: &[u8], bits: u32) -> Option<Instruction> {
    let decoded = Decoder::with_ip(bits, bytes, address, DecoderOptions::NONE).decode();
    if decoded.is_invalid() {
        return None;
    }
    Some(Instruction {
        length: decoded.len() as u64,
        flow: flow(image, &decoded),
        touch: touch(&decoded),
        writes_mmu_control: decoded.mnemonic() == Mnemonic::Mov && decoded.op0_register() == Register::CR0,
    })
}

fn flow(image: &Image, decoded: &Decoded) -> Flow {
    match decoded.flow_control() {
        // A repeated string instruction is a loop of its own.
        FlowControl::Next if decoded.has_rep_prefix() || decoded.has_repne_prefix() => Flow::Branch(decoded.ip()),
        FlowControl::Next | FlowControl::Interrupt => Flow::Next,
        FlowControl::UnconditionalBranch if is_near(decoded) => Flow::Jump(decoded.near_branch_target()),
        FlowControl::ConditionalBranch => Flow::Branch(decoded.near_branch_target()),
        FlowControl::Call if is_near(decoded) => Flow::Call(decoded.near_branch_target()),
        FlowControl::IndirectCall => pointer(image, decoded).map_or(Flow::UnknownCall, Flow::Call),
        FlowControl::IndirectBranch => pointer(image, decoded).map_or(Flow::Unknown, Flow::Jump),
        FlowControl::Return => Flow::Return,
        FlowControl::Call => Flow::UnknownCall,
        FlowControl::Exception => Flow::Stop,
        _ => Flow::Unknown,
    }
}

fn is_near(decoded: &Decoded) -> bool {
    matches!(decoded.op0_kind(), OpKind::NearBranch16 | OpKind::NearBranch32 | OpKind::NearBranch64)
}

/// The target of a branch through a slot at a fixed place (an entry of the GOT, which is final in a static image).
fn pointer(image: &Image, decoded: &Decoded) -> Option<u64> {
    if !decoded.is_ip_rel_memory_operand() {
        return None;
    }
    let slot = image.at(decoded.ip_rel_memory_address())?;
    Some(u64::from_le_bytes(slot.get(..8)?.try_into().ok()?))
}

/// Loads and stores; flushing a cache line is neither.
fn touch(decoded: &Decoded) -> Touch {
    if matches!(decoded.mnemonic(), Mnemonic::Clflush | Mnemonic::Clflushopt | Mnemonic::Clwb | Mnemonic::Invlpg) {
        return Touch::Nothing;
    }
    let mut factory = InstructionInfoFactory::new();
    let accesses = factory.info(decoded).used_memory().iter().map(|memory| match memory.access() {
        OpAccess::None | OpAccess::NoMemAccess => Touch::Nothing,
        OpAccess::Read | OpAccess::CondRead => Touch::Loads,
        _ if memory.base().full_register() == Register::RSP => Touch::Stack,
        _ => Touch::Stores,
    });
    accesses.max().unwrap_or(Touch::Nothing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(bytes: &[u8], bits: u32) -> Instruction {
        decode(&Image::flat(0x1000, bytes, &[]), 0x1000, bytes, bits).expect("an instruction")
    }

    #[test]
    fn branches_go_where_the_assembler_sent_them() {
        assert_eq!(at(&[0x75, 0xfc], 64).flow, Flow::Branch(0xffe)); // jne .-2
        assert_eq!(at(&[0xe2, 0xfc], 32).flow, Flow::Branch(0xffe)); // loop .-2
        assert_eq!(at(&[0xeb, 0x10], 64).flow, Flow::Jump(0x1012)); // jmp .+18
        assert_eq!(at(&[0xe8, 0x0b, 0, 0, 0], 64).flow, Flow::Call(0x1010)); // call .+16
        assert_eq!(at(&[0xff, 0xd0], 64).flow, Flow::UnknownCall); // call rax
        assert_eq!(at(&[0xff, 0xe0], 64).flow, Flow::Unknown); // jmp rax
        assert_eq!(at(&[0xea, 0, 0, 0, 0, 8, 0], 32).flow, Flow::Unknown); // ljmp 8:0
        assert_eq!(at(&[0xc3], 64).flow, Flow::Return); // ret
        assert_eq!(at(&[0x0f, 0x0b], 64).flow, Flow::Stop); // ud2
        assert_eq!(at(&[0xf4], 64).flow, Flow::Next); // hlt
    }

    #[test]
    fn a_call_through_the_got_is_followed() {
        let mut bytes = vec![0xff, 0x15, 0x02, 0, 0, 0, 0, 0]; // call [rip + 2]
        bytes.extend(0x1234_5678u64.to_le_bytes());
        assert_eq!(at(&bytes, 64).flow, Flow::Call(0x1234_5678));
    }

    #[test]
    fn loads_and_stores_are_seen() {
        assert_eq!(at(&[0x48, 0x89, 0x07], 64).touch, Touch::Stores); // mov [rdi], rax
        assert_eq!(at(&[0x48, 0x8b, 0x07], 64).touch, Touch::Loads); // mov rax, [rdi]
        assert_eq!(at(&[0xf3, 0x48, 0xab], 64).touch, Touch::Stores); // rep stosq
        assert_eq!(at(&[0xf3, 0x48, 0xab], 64).flow, Flow::Branch(0x1000));
        assert_eq!(at(&[0x50], 64).touch, Touch::Stack); // push rax
        assert_eq!(at(&[0x48, 0x8d, 0x07], 64).touch, Touch::Nothing); // lea rax, [rdi]
        assert_eq!(at(&[0x0f, 0xae, 0x3f], 64).touch, Touch::Nothing); // clflush [rdi]
        assert_eq!(at(&[0x0f, 0x22, 0xd8], 64).touch, Touch::Nothing); // mov cr3, rax
    }

    #[test]
    fn cr0_is_seen_where_it_is_written() {
        assert!(at(&[0x0f, 0x22, 0xc0], 32).writes_mmu_control); // mov cr0, eax
        assert!(!at(&[0x0f, 0x20, 0xc0], 32).writes_mmu_control); // mov eax, cr0
    }
}
