//! Words that follow each other, written fast in constant evaluation.
//!
//! Constant evaluation pays for statements and calls. An array literal is one statement for each element and none for
//! the loop around it, a `u128` holds two words, and an `or` has no overflow check: so 512 words whose address is
//! aligned to the whole block are one literal of 256 pairs, and what is not aligned is copied out of two such blocks.

use super::slot::Slot;

/// Words `first`, `first + stride`, …, where `stride` is a power of two.
pub(super) struct Sequence {
    stride: u64,
    /// What the words of a block differ in, two by two.
    pairs: [u128; 256],
    /// How many pairs are valid.
    ready: usize,
    /// The last block of 512 words, and its first word.
    block: [Slot; 512],
    word: Option<u64>,
    /// The last block of 64 words, and its first word.
    part: [Slot; 64],
    part_word: Option<u64>,
}

impl Sequence {
    pub(super) const fn new() -> Self {
        Self {
            stride: 1,
            pairs: [0; 256],
            ready: 0,
            block: [Slot::ABSENT; 512],
            word: None,
            part: [Slot::ABSENT; 64],
            part_word: None,
        }
    }

    /// Writes `n` words from `start` on. They must not overflow.
    pub(super) const fn write(&mut self, slots: &mut [Slot], start: usize, n: usize, first: u64, stride: u64) {
        if stride != self.stride {
            self.stride = stride;
            self.ready = 0;
            self.word = None;
            self.part_word = None;
        }
        assert!(n <= slots.len() && start <= slots.len() - n, "the tables are larger than the memory for them");
        let (mut at, mut word, end) = (start, first, start + n);
        while at < end {
            let left = end - at;
            if left < 8 {
                slots[at] = Slot::word(word);
                word = word.wrapping_add(stride);
                at += 1;
                continue;
            }
            let (block, skip, whole) = self.block_of(word, left);
            let room = whole - skip;
            let k = if left < room { left } else { room };
            // SAFETY: `skip + k <= whole`, which is the length of the block, and `at + k <= end`, which lies in
            // `slots`; the block is not part of `slots`.
            unsafe { core::ptr::copy_nonoverlapping(block.wrapping_add(skip), slots.as_mut_ptr().wrapping_add(at), k) };
            word = word.wrapping_add(k as u64 * stride);
            at += k;
        }
    }

    /// A block that holds `word`, the position of the word in it, and its length: 512 words where many are left.
    const fn block_of(&mut self, word: u64, left: usize) -> (*const Slot, usize, usize) {
        let number = (word / self.stride) as usize;
        if left >= 256 {
            self.refill(word - (number % 512) as u64 * self.stride);
            return (self.block.as_ptr(), number % 512, 512);
        }
        self.refill_part(word - (number % 64) as u64 * self.stride);
        (self.part.as_ptr(), number % 64, 64)
    }

    /// Makes `block` the words from `word` on.
    const fn refill(&mut self, word: u64) {
        if !matches!(self.word, Some(known) if known == word) {
            self.prepare(256);
            self.block = block512(&self.pairs, word);
            self.word = Some(word);
        }
    }

    /// Makes `part` the words from `word` on.
    const fn refill_part(&mut self, word: u64) {
        if !matches!(self.part_word, Some(known) if known == word) {
            self.prepare(32);
            self.part = block64(&self.pairs, word);
            self.part_word = Some(word);
        }
    }

    /// Makes the first `pairs` pairs valid.
    const fn prepare(&mut self, pairs: usize) {
        let step = ((2 * self.stride as u128) << 64) | (2 * self.stride as u128);
        while self.ready < pairs {
            self.pairs[self.ready] =
                if self.ready == 0 { (self.stride as u128) << 64 } else { self.pairs[self.ready - 1] + step };
            self.ready += 1;
        }
    }
}

macro_rules! blocks {
    ($($name:ident = $words:literal, $pairs:literal [$($pair:ident)*];)*) => { $(
        /// The words of an aligned block from `word` on.
        const fn $name(pairs: &[u128; 256], word: u64) -> [Slot; $words] {
            let both = (word as u128) << 64 | word as u128;
            let [$($pair),*, ..] = *pairs;
            let words: [u128; $pairs] = [$(both | $pair),*];
            // SAFETY: both are arrays of the same number of bytes without padding, and any eight bytes are a slot
            // that is initialized.
            unsafe { core::mem::transmute::<[u128; $pairs], [Slot; $words]>(words) }
        }
    )* };
}

blocks! {
    block64 = 64, 32 [
        p0 p1 p2 p3 p4 p5 p6 p7 p8 p9 p10 p11 p12 p13 p14 p15 p16 p17 p18 p19 p20 p21 p22 p23 p24
        p25 p26 p27 p28 p29 p30 p31
    ];
    block512 = 512, 256 [
        p0 p1 p2 p3 p4 p5 p6 p7 p8 p9 p10 p11 p12 p13 p14 p15 p16 p17 p18 p19 p20 p21 p22 p23 p24
        p25 p26 p27 p28 p29 p30 p31 p32 p33 p34 p35 p36 p37 p38 p39 p40 p41 p42 p43 p44 p45 p46 p47
        p48 p49 p50 p51 p52 p53 p54 p55 p56 p57 p58 p59 p60 p61 p62 p63 p64 p65 p66 p67 p68 p69 p70
        p71 p72 p73 p74 p75 p76 p77 p78 p79 p80 p81 p82 p83 p84 p85 p86 p87 p88 p89 p90 p91 p92 p93
        p94 p95 p96 p97 p98 p99 p100 p101 p102 p103 p104 p105 p106 p107 p108 p109 p110 p111 p112
        p113 p114 p115 p116 p117 p118 p119 p120 p121 p122 p123 p124 p125 p126 p127 p128 p129 p130
        p131 p132 p133 p134 p135 p136 p137 p138 p139 p140 p141 p142 p143 p144 p145 p146 p147 p148
        p149 p150 p151 p152 p153 p154 p155 p156 p157 p158 p159 p160 p161 p162 p163 p164 p165 p166
        p167 p168 p169 p170 p171 p172 p173 p174 p175 p176 p177 p178 p179 p180 p181 p182 p183 p184
        p185 p186 p187 p188 p189 p190 p191 p192 p193 p194 p195 p196 p197 p198 p199 p200 p201 p202
        p203 p204 p205 p206 p207 p208 p209 p210 p211 p212 p213 p214 p215 p216 p217 p218 p219 p220
        p221 p222 p223 p224 p225 p226 p227 p228 p229 p230 p231 p232 p233 p234 p235 p236 p237 p238
        p239 p240 p241 p242 p243 p244 p245 p246 p247 p248 p249 p250 p251 p252 p253 p254 p255
    ];
}
