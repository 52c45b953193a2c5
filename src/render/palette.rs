//! Palettes of pictures: the exact one when there are few colours, the most frequent ones otherwise.
//!
//! Both are made of bands of pixels, so that a large picture is looked through in quanta. Pixels are four bytes,
//! premultiplied red, green, blue, alpha.

/// Turns premultiplied into plain.
pub fn plain(p: [u8; 4]) -> [u8; 4] {
    match p[3] {
        0 => [0; 4],
        255 => p,
        a => {
            let undo = |c: u8| ((u32::from(c) * 255 + u32::from(a) / 2) / u32::from(a)).min(255) as u8;
            [undo(p[0]), undo(p[1]), undo(p[2]), a]
        }
    }
}

fn color(p: &[u8]) -> u32 {
    p.iter().fold(0, |c, b| c << 8 | u32::from(*b))
}

/// A palette of at most 256 colours, and the place of each pixel in it.
pub trait Palette: Send {
    /// Colours: red, green, blue, alpha, not premultiplied.
    fn colors(&self) -> Vec<[u8; 4]>;
    /// Appends the place of each pixel of a band.
    fn places(&self, band: &[u8], out: &mut Vec<u8>);
}

/// The exact palette: an open table of 1024 slots, at most a quarter full, so that searches are short.
pub struct Exact {
    slots: Vec<Option<(u32, u8)>>,
    colors: Vec<[u8; 4]>,
}

impl Exact {
    /// No colours yet.
    pub fn new() -> Exact {
        Exact { slots: vec![None; 1024], colors: Vec::new() }
    }

    fn slot(&self, c: u32) -> usize {
        let mut slot = (c.wrapping_mul(0x9e37_79b1) >> 22) as usize;
        while self.slots[slot].is_some_and(|(known, _)| known != c) {
            slot = (slot + 1) % self.slots.len();
        }
        slot
    }

    /// Looks at a band; false when there are more than 256 colours.
    pub fn look(&mut self, band: &[u8]) -> bool {
        let mut last = None;
        for p in band.chunks_exact(4) {
            let c = color(p);
            if last == Some(c) {
                continue;
            }
            last = Some(c);
            let slot = self.slot(c);
            if self.slots[slot].is_none() {
                let Ok(place) = u8::try_from(self.colors.len()) else { return false };
                self.slots[slot] = Some((c, place));
                self.colors.push([p[0], p[1], p[2], p[3]]);
            }
        }
        true
    }
}

impl Palette for Exact {
    fn colors(&self) -> Vec<[u8; 4]> {
        self.colors.iter().map(|c| plain(*c)).collect()
    }

    fn places(&self, band: &[u8], out: &mut Vec<u8>) {
        let mut last = (None, 0);
        out.extend(band.chunks_exact(4).map(|p| {
            let c = color(p);
            if last.0 != Some(c) {
                last = (Some(c), self.slots[self.slot(c)].map_or(0, |s| s.1));
            }
            last.1
        }));
    }
}

/// Number of bins of like colours.
const BINS: usize = 1 << 18;

/// Which bin a pixel falls into: 5 bits of each colour, 3 of alpha.
fn bin(p: &[u8]) -> usize {
    let top = |b: u8, bits: u32| usize::from(b) >> (8 - bits);
    top(p[0], 5) << 13 | top(p[1], 5) << 8 | top(p[2], 5) << 3 | top(p[3], 3)
}

/// A bin: its number, how many pixels fell into it, the sum of their components.
struct Bin {
    number: usize,
    count: u64,
    sums: [u64; 4],
}

impl Bin {
    fn mean(&self) -> [u8; 4] {
        self.sums.map(|s| (s / self.count.max(1)).min(255) as u8)
    }
}

/// Counts pixels by like colours.
pub struct Census {
    bins: Vec<Bin>,
    /// Number of a bin ▶ its place in `bins`.
    places: Vec<u32>,
}

impl Census {
    /// Nothing counted yet.
    pub fn new() -> Census {
        Census { bins: Vec::new(), places: vec![u32::MAX; BINS] }
    }

    /// Counts a band.
    pub fn count(&mut self, band: &[u8]) {
        for p in band.chunks_exact(4) {
            let number = bin(p);
            let place = &mut self.places[number];
            if *place == u32::MAX {
                *place = self.bins.len() as u32;
                self.bins.push(Bin { number, count: 0, sums: [0; 4] });
            }
            let b = &mut self.bins[*place as usize];
            b.count += 1;
            b.sums.iter_mut().zip(p).for_each(|(s, v)| *s += u64::from(*v));
        }
    }

    /// The 256 most frequent bins, each as the mean of what fell into it; rarer ones take the nearest.
    pub fn finish(mut self) -> Popular {
        self.bins.sort_unstable_by(|a, b| b.count.cmp(&a.count).then(a.number.cmp(&b.number)));
        let means: Vec<[u8; 4]> = self.bins.iter().take(256).map(Bin::mean).collect();
        let mut places = vec![0; BINS];
        for (i, b) in self.bins.iter().enumerate() {
            let place = if i < means.len() { i } else { closest(&means, b.mean()) };
            places[b.number] = place as u8;
        }
        Popular { means, places }
    }
}

/// The most frequent colours.
pub struct Popular {
    means: Vec<[u8; 4]>,
    /// Number of a bin ▶ its place in the palette.
    places: Vec<u8>,
}

impl Palette for Popular {
    fn colors(&self) -> Vec<[u8; 4]> {
        self.means.iter().map(|c| plain(*c)).collect()
    }

    fn places(&self, band: &[u8], out: &mut Vec<u8>) {
        out.extend(band.chunks_exact(4).map(|p| self.places[bin(p)]));
    }
}

fn closest(colors: &[[u8; 4]], to: [u8; 4]) -> usize {
    let distance = |c: &[u8; 4]| -> u32 { c.iter().zip(to).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum() };
    (0..colors.len()).min_by_key(|i| distance(&colors[*i])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(palette: &dyn Palette, pixels: &[u8]) -> Vec<[u8; 4]> {
        let colors = palette.colors();
        let mut places = Vec::new();
        palette.places(pixels, &mut places);
        places.iter().map(|p| colors[usize::from(*p)]).collect()
    }

    #[test]
    fn few_colours_are_kept_exactly() {
        let colors: Vec<[u8; 4]> = (0..256).map(|i| [i as u8, (i * 7 % 256) as u8, 3, 255]).collect();
        let pixels = colors.concat();
        let mut exact = Exact::new();
        assert!(exact.look(&pixels) && exact.look(&pixels));
        assert_eq!(back(&exact, &pixels), colors);
        assert!(!exact.look(&[9, 9, 9, 9]));
    }

    #[test]
    fn premultiplied_colours_are_undone() {
        assert_eq!(plain([64, 32, 0, 128]), [128, 64, 0, 128]);
        assert_eq!(plain([0, 0, 0, 0]), [0, 0, 0, 0]);
    }

    #[test]
    fn the_many_shades_of_a_map_stay_near() {
        // A map has few colours with many shades between them: those must come through.
        let mut map = vec![[240, 240, 240, 255]; 3000];
        map.extend(vec![[200, 10, 10, 255]; 200]);
        map.extend((0..500).map(|i| [(i % 250) as u8, (i / 2) as u8, (i % 97) as u8, 255]));
        let pixels = map.concat();
        let mut census = Census::new();
        census.count(&pixels[..8000]);
        census.count(&pixels[8000..]);
        let popular = census.finish();
        assert!(popular.colors().len() <= 256);
        let got = back(&popular, &pixels);
        assert_eq!((got[0], got[3100]), ([240, 240, 240, 255], [200, 10, 10, 255]));
        let far = map.iter().zip(&got).flat_map(|(a, b)| a.iter().zip(b).map(|(a, b)| a.abs_diff(*b))).max();
        assert!(far < Some(80), "{far:?}");
    }
}
