//! Bytes copied through translations, judged by a copy of the physical memory.

use tablature::addr::{PhysAddr, VirtAddr};
use tablature::edit::read::{CopyError, Frames, OutOfReach, PhysicalBytes, Rule};
use tablature::regime::Regime;
use tablature::tables::Offset;
use tablature::walk::Fault;

use crate::machine::*;

/// Memory whose byte at each address follows from the address, but for what was written: the writes are kept.
#[derive(Default)]
struct Bytes {
    writes: Vec<(u64, Vec<u8>)>,
    missing: Option<u64>,
}

const fn byte_at(phys: u64) -> u8 {
    (phys ^ phys >> 12 ^ phys >> 21) as u8
}

impl Bytes {
    fn check(&self, phys: PhysAddr, bytes: usize) -> Result<(), OutOfReach> {
        let range = phys.as_u64()..phys.as_u64() + bytes as u64;
        if self.missing.is_some_and(|missing| range.contains(&missing)) { Err(OutOfReach) } else { Ok(()) }
    }
}

impl PhysicalBytes for Bytes {
    fn read(&self, phys: PhysAddr, bytes: &mut [u8]) -> Result<(), OutOfReach> {
        self.check(phys, bytes.len())?;
        for (offset, byte) in bytes.iter_mut().enumerate() {
            *byte = byte_at(phys.as_u64() + offset as u64);
        }
        Ok(())
    }

    fn write(&mut self, phys: PhysAddr, bytes: &[u8]) -> Result<(), OutOfReach> {
        self.check(phys, bytes.len())?;
        self.writes.push((phys.as_u64(), bytes.to_vec()));
        Ok(())
    }
}

/// Two pages that lie the other way round, a large leaf, and a hole.
fn example(machine: &'static Machine) -> Tables {
    let (page, large, phys) = (machine.page(), machine.large(), machine.phys);
    let mut tables = Tables::new(machine);
    tables.map(large - 2 * page, phys + page, page, false);
    tables.map(large - page, phys, page, false);
    tables.map(large, phys + 2 * large, large, false);
    tables
}

pub(crate) fn copies_cross_borders_of_pages_and_large_leaves<R: Regime>(machine: &'static Machine) {
    let (page, large, phys) = (machine.page(), machine.large(), machine.phys);
    let tables = example(machine);
    let reader = tables.reader::<R>();
    let name = R::FORMAT.name;
    let mut memory = Bytes::default();
    let mut bytes = vec![0; page as usize + 20];
    let virt = large - page - 10;
    reader.copy_out(VirtAddr::new(virt), &mut bytes, Rule::Mapped, &memory).expect(name);
    let frame = |at: u64| match at {
        _ if at < large - page => phys + page + (at - (large - 2 * page)),
        _ if at < large => phys + (at - (large - page)),
        _ => phys + 2 * large + (at - large),
    };
    let expected: Vec<u8> = (0..bytes.len() as u64).map(|offset| byte_at(frame(virt + offset))).collect();
    assert_eq!(bytes, expected, "{name}");
    reader.copy_in(VirtAddr::new(virt), &bytes, Rule::Mapped, &mut memory).expect(name);
    let places: Vec<_> = memory.writes.iter().map(|(phys, bytes)| (*phys, bytes.len() as u64)).collect();
    assert_eq!(places, [(phys + 2 * page - 10, 10), (phys, page), (phys + 2 * large, 10)], "{name}");
    assert_eq!(memory.writes.iter().flat_map(|(_, bytes)| bytes.clone()).collect::<Vec<_>>(), bytes, "{name}");
}

pub(crate) fn holes_stop_a_copy_before_it_starts<R: Regime>(machine: &'static Machine) {
    let large = machine.large();
    let tables = example(machine);
    let reader = tables.reader::<R>();
    let mut memory = Bytes::default();
    let error = reader.copy_in(VirtAddr::new(2 * large - 3), &[1; 5], Rule::Mapped, &mut memory);
    let Err(CopyError::Fault { at, fault: Fault::Absent { .. } }) = error else { panic!("{error:?}") };
    assert_eq!(at, VirtAddr::new(2 * large), "{}", R::FORMAT.name);
    assert!(memory.writes.is_empty());
    assert_eq!(reader.copy_in(VirtAddr::new(2 * large), &[], Rule::Mapped, &mut memory), Ok(()));
    let past = reader.copy_in(VirtAddr::new(u64::MAX), &[1; 2], Rule::Mapped, &mut memory);
    assert!(matches!(past, Err(CopyError::Range(_))), "{past:?}");
}

#[test]
fn rights_count_for_those_who_are_asked_about() {
    let mut tables = Tables::new(&LEVEL4);
    // Read-only for both, then writable for the user, then the kernel's.
    for (virt, word) in [(0x1000, 0x4000_0005), (0x2000, 0x4000_1007), (0x3000, 0x4000_2003)] {
        let place = tables.place(virt, 12);
        tables.set(place, word);
    }
    let reader = tables.reader::<tablature::x86_64::Level4>();
    let mut memory = Bytes::default();
    let mut write = |virt, rule| reader.copy_in(VirtAddr::new(virt), &[0; 16], rule, &mut memory);
    let denied = |error| matches!(error, Err(CopyError::Denied { .. }));
    assert!(denied(write(0x1000, Rule::User)) && denied(write(0x1000, Rule::Privileged)));
    assert_eq!((write(0x1000, Rule::Mapped), write(0x1ff8, Rule::Mapped)), (Ok(()), Ok(())));
    assert_eq!((write(0x2000, Rule::User), write(0x2000, Rule::Privileged)), (Ok(()), Ok(())));
    assert_eq!(write(0x3000, Rule::Privileged), Ok(()));
    // Half of it is the kernel's: nothing was copied, and the error says where that begins.
    let Err(CopyError::Denied { at, .. }) = write(0x2ff8, Rule::User) else { panic!("the user wrote to the kernel") };
    assert_eq!((at, memory.writes.len()), (VirtAddr::new(0x3000), 6));
    let mut bytes = [0; 16];
    assert_eq!(reader.copy_out(VirtAddr::new(0x1ff8), &mut bytes, Rule::User, &memory), Ok(()));
    assert!(denied(reader.copy_out(VirtAddr::new(0x2ff8), &mut bytes, Rule::User, &memory)));
}

#[test]
fn a_frame_out_of_reach_says_how_much_was_copied() {
    let tables = example(&SV39);
    let reader = tables.reader::<tablature::riscv::Sv39>();
    let mut memory = Bytes { missing: Some(0x4000_0000), ..Bytes::default() };
    let error = reader.copy_in(VirtAddr::new(0x1f_eff0), &[7; 32], Rule::Mapped, &mut memory);
    assert_eq!(error, Err(CopyError::OutOfReach { phys: PhysAddr::new(0x4000_0000), copied: 16 }));
    assert_eq!(memory.writes, [(0x4000_1ff0, vec![7; 16])]);
}

#[test]
fn a_direct_map_ends_where_its_memory_does() {
    let mut frames = vec![0u8; 0x2000];
    let offset = (frames.as_mut_ptr().expose_provenance() as u64).wrapping_sub(0x4000_0000);
    // SAFETY: the bytes are used through the view alone until it is gone.
    let view = unsafe { Offset::new(PhysAddr::new(0x4000_0000), 0x2000, offset) };
    // SAFETY: as above; there are no tables among them.
    let mut memory = unsafe { Frames::new(view) };
    let tables = example(&SV39);
    let reader = tables.reader::<tablature::riscv::Sv39>();
    reader.copy_in(VirtAddr::new(0x1f_effc), b"in order", Rule::Mapped, &mut memory).expect("both pages");
    let mut bytes = [0; 8];
    reader.copy_out(VirtAddr::new(0x1f_effc), &mut bytes, Rule::Mapped, &memory).expect("both pages");
    assert_eq!(&bytes, b"in order");
    let far = reader.copy_out(VirtAddr::new(0x20_0000), &mut bytes, Rule::Mapped, &memory);
    assert_eq!(far, Err(CopyError::OutOfReach { phys: PhysAddr::new(0x4040_0000), copied: 0 }));
    assert_eq!((&frames[0x1ffc..], &frames[..4]), (&b"in o"[..], &b"rder"[..]));
}

mod every {
    use crate::machine::every_machine;
    every_machine! { copies_cross_borders_of_pages_and_large_leaves holes_stop_a_copy_before_it_starts }
}
