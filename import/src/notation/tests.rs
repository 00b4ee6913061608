//! Every construct has its words.

use super::*;

/// A system with a bit of everything, and its declaration.
const SYSTEM: &str = r#"{"id":"all","format":"aarch64 4K VA39 EL1","why":"Everything.",
        "options":{"pa_bits":40,"features":["bti"],"granules":["4K"],"mair":["0xff"],"require_stack_guards":true,
            "mtrr":[{"name":"mtrr:ram","base":"0x0","size":"0x1000","type":"wb"}],
            "parents":[{"name":"pud","space":"kernel","virt":"0x0","size":"0x1000","deny":["user","exec"]}],
            "table_pool":{"resource":"ram","offset":"0x1000","size":"0x7000"}},
        "resources":[{"name":"ram","base":"0x40000000","size":"0x1000","memory":"normal_wb","owner":"kernel","rights":"rw"},
            {"name":"my ram","base":"0x0","size":"0x10","memory":"device_nGnRE","reserved":true,"within":"ram"}],
        "spaces":[{"name":"kernel","role":"kernel","budget":3,"asid":7,
            "tables":{"resource":"ram","offset":"0x0","size":"0x3000","hw_ad":true},
            "image":{"name":"k.elf","entry":"0x10","sections":[{"name":".text","virt":"0x0","size":"0x4","rights":"rx","lma":"0x8"}]},
            "regions":[
                {"name":"move","kind":"map","virt":"0x1000","resource":"ram","offset":"0x1000","size":"0x1000","rights":"rwx",
                 "user":true,"global":true,"page":"0x1000","bti":true,"waive":[{"rule":"wx-alias","reason":"a \"jit\""},{"rule":"w_x","reason":""}]},
                {"name":"st","kind":"stack","virt":"0x5000","phys":"0x9000","size":"0x1000","rights":"rw","user":false,
                 "guard_below":"0x1000","grows":"down","worst_case":"0x800","round":"page"},
                {"name":"g","kind":"guard","virt":"0x4000","size":"0x1000","guards":"st"},
                {"name":"lin","kind":"window","virt":"0x8000","resource":"ram","offset":"0x0","size":"0x1000","rights":{"priv":"rw","user":""}},
                {"name":"slots","kind":"window","dynamic":true,"virt":"0xa000","size":"0x1000","rights":"rw"},
                {"name":"id","kind":"identity","resource":"ram","offset":"0x0","size":"0x1000","rights":"","raw":{"pbmt":3}},
                {"name":"tx","kind":"channel","channel":"c","channel_offset":"0x10","virt":"0xc000","size":"0x1000","rights":"rw"}]}],
        "channels":[{"name":"c","resource":"ram","offset":"0x0","size":"0x1000","from":"kernel","to":["a","b"],"direction":"two_way"}],
        "isolation":[{"spaces":["kernel","a"],"except":["c"]}],
        "dma":[{"device":"nic","owner":"a","iommu":false,"coherent":false,"addr_bits":32,
            "regions":[{"name":"ring","iova":"0x1","phys":"0x2","size":"0x3","rights":"rw"}]}],
        "transitions":[{"name":"on","from":null,"to":"kernel","pc":"0x10","in_place":true}]}"#;

const DECLARATION: &str = r#"tablature::memory_map! {
    /// Everything.
    pub mod all for aarch64::El1<G4K, 39>;
    cpu {
        pa_bits = 40;
        features = [bti];
        modes = [G4K];
        mair = [0xff];
        mtrr "mtrr:ram" : 0x0, 0x1000, wb;
        deny pud in kernel : 0x0, 0x1000, user exec;
    }
    policy {
        stack_guards;
        table_pool = ram + 0x1000, 0x7000;
    }
    physical {
        ram : 0x40000000, 0x1000, normal_wb, owner kernel, rights rw;
        "my ram" : 0x0, 0x10, device_nGnRE, reserved, within ram;
    }
    space kernel (kernel) {
        asid 7;
        tables <= 3 at ram, 0x3000, hw_ad;
        move (rwx, user, global) : 0x1000 => ram + 0x1000, 0x1000, page 0x1000, bti, waive(wx_alias, "a \"jit\""), waive("w_x", "");
        st (rw, stack) : 0x5000 => 0x9000, 0x1000, guard below 0x1000, worst_case 0x800, round;
        g (guard) : 0x4000, 0x1000, of st;
        lin (priv rw, user none, linear) : 0x8000 => ram, 0x1000;
        slots (rw, window) : 0xa000, 0x1000;
        id (none) : identity => ram, 0x1000, raw_memory 0x3;
        tx (rw) : 0xc000 => channel c + 0x10, 0x1000;
        image "k.elf" {
            entry 0x10;
            section ".text" (rx) : 0x0, 0x4, load 0x8;
        }
    }
    channel c : 0x1000 in ram, kernel <-> a, b;
    isolate kernel, a except c;
    dma nic for a (no_iommu, incoherent, addr_bits 32) {
        ring (rw) : 0x1 => 0x2, 0x3;
    }
    transition on : off -> kernel, pc 0x10, in_place;
}
"#;

fn read(text: &str) -> System {
    serde_json::from_str(&text.replace('\n', " ")).expect("JSON")
}

#[test]
fn every_construct_has_its_words() {
    assert_eq!(declaration(&read(SYSTEM), "all").expect("expressible"), DECLARATION);
}

#[test]
fn what_has_no_words_is_said() {
    for (from, to, problem) in [
        ("aarch64 4K VA39 EL1", "arm 4K VA32 PL1", "format"),
        ("\"kind\":\"stack\"", "\"kind\":\"heap\"", "kind `heap`"),
        ("two_way", "three_way", "direction"),
        ("\"grows\":\"down\"", "\"grows\":\"sideways\"", "grows"),
    ] {
        let system = read(&SYSTEM.replace(from, to));
        let reason = declaration(&system, "all").expect_err(problem);
        assert!(reason.contains(problem), "{reason}");
    }
}
