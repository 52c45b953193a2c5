//! Palettes of pictures: the exact one when there are few colours, the most frequent ones otherwise.

use super::canvas::Pixels;

/// A picture as places in a palette of at most 256 colours.
pub struct Indexed {
    /// Red, green, blue, alpha (not premultiplied).
    pub colors: Vec<[u8; 4]>,
    /// A place a pixel.
    pub places: Vec<u8>,
}

fn color(p: &[u8]) -> u32 {
    p.iter().fold(0, |c, b| c << 8 | u32::from(*b))
}

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

/// The exact palette, `None` when there are more than 256 colours.
pub fn exact(pixels: &Pixels) -> Option<Indexed> {
    // An open table of 1024 places: at most a quarter full, so searches are short.
    let mut table: [Option<(u32, u8)>; 1024] = [None; 1024];
    let mut colors = Vec::new();
    let mut places = Vec::with_capacity(pixels.data.len() / 4);
    let mut last: Option<(u32, u8)> = None;
    for p in pixels.data.chunks_exact(4) {
        let c = color(p);
        let place = match last.filter(|l| l.0 == c) {
            Some((_, place)) => place,
            None => {
                let mut slot = (c.wrapping_mul(0x9e37_79b1) >> 22) as usize;
                loop {
                    match table[slot] {
                        Some((known, place)) if known == c => break place,
                        Some(_) => slot = (slot + 1) % table.len(),
                        None => {
                            let place = u8::try_from(colors.len()).ok()?;
                            table[slot] = Some((c, place));
                            colors.push(plain([p[0], p[1], p[2], p[3]]));
                            break place;
                        }
                    }
                }
            }
        };
        last = Some((c, place));
        places.push(place);
    }
    Some(Indexed { colors, places })
}

/// Which bin of like colours a pixel falls into: 5 bits of each colour, 3 of alpha.
fn bin(p: &[u8]) -> u32 {
    let top = |b: u8, bits: u32| u32::from(b) >> (8 - bits);
    top(p[0], 5) << 13 | top(p[1], 5) << 8 | top(p[2], 5) << 3 | top(p[3], 3)
}

/// Number of bins.
const BINS: usize = 1 << 18;

/// A bin: its number, how many pixels fell into it, the sum of their components.
struct Bin {
    number: u32,
    count: u64,
    sums: [u64; 4],
}

impl Bin {
    fn mean(&self) -> [u8; 4] {
        self.sums.map(|s| (s / self.count.max(1)).min(255) as u8)
    }
}

/// The 256 most frequent bins of like colours, each as the mean of what fell into it; rarer ones take the nearest.
pub fn popular(pixels: &Pixels) -> Indexed {
    let mut bins: Vec<Bin> = Vec::new();
    // Number of a bin ▶ its place in `bins`, later in the palette.
    let mut places: Vec<u32> = vec![u32::MAX; BINS];
    for p in pixels.data.chunks_exact(4) {
        let number = bin(p);
        let place = &mut places[number as usize];
        if *place == u32::MAX {
            *place = bins.len() as u32;
            bins.push(Bin { number, count: 0, sums: [0; 4] });
        }
        let b = &mut bins[*place as usize];
        b.count += 1;
        b.sums.iter_mut().zip(p).for_each(|(s, v)| *s += u64::from(*v));
    }
    bins.sort_unstable_by(|a, b| b.count.cmp(&a.count).then(a.number.cmp(&b.number)));
    let means: Vec<[u8; 4]> = bins.iter().take(256).map(Bin::mean).collect();
    for (i, b) in bins.iter().enumerate() {
        let place = if i < means.len() { i } else { closest(&means, b.mean()) };
        places[b.number as usize] = place as u32;
    }
    let places = pixels.data.chunks_exact(4).map(|p| places[bin(p) as usize] as u8).collect();
    Indexed { colors: means.into_iter().map(plain).collect(), places }
}

fn closest(colors: &[[u8; 4]], to: [u8; 4]) -> usize {
    let distance = |c: &[u8; 4]| -> u32 { c.iter().zip(to).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum() };
    (0..colors.len()).min_by_key(|i| distance(&colors[*i])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(colors: &[[u8; 4]]) -> Pixels {
        Pixels { width: colors.len() as u32, height: 1, data: colors.concat() }
    }

    #[test]
    fn few_colours_are_kept_exactly() {
        let colors: Vec<[u8; 4]> = (0..256).map(|i| [i as u8, (i * 7 % 256) as u8, 3, 255]).collect();
        let p = picture(&colors.repeat(3));
        let indexed = exact(&p).unwrap();
        assert_eq!(indexed.colors.len(), 256);
        let back: Vec<u8> = indexed.places.iter().flat_map(|i| indexed.colors[*i as usize]).collect();
        assert_eq!(back, p.data);
        assert!(exact(&picture(&[colors, vec![[9, 9, 9, 9]]].concat())).is_none());
    }

    #[test]
    fn premultiplied_colours_are_undone() {
        assert_eq!(plain([64, 32, 0, 128]), [128, 64, 0, 128]);
        assert_eq!(plain([0, 0, 0, 0]), [0, 0, 0, 0]);
    }

    #[test]
    fn many_colours_stay_near() {
        let colors: Vec<[u8; 4]> = (0..4096).map(|i| [(i % 64 * 4) as u8, (i / 64 * 4) as u8, 128, 255]).collect();
        let indexed = popular(&picture(&colors));
        assert!(indexed.colors.len() <= 256);
        let square: f64 = colors
            .iter()
            .zip(&indexed.places)
            .flat_map(|(c, i)| c.iter().zip(indexed.colors[*i as usize]).map(|(a, b)| f64::from(a.abs_diff(b)).powi(2)))
            .sum();
        // An even spread of colours is the worst case of a popularity palette.
        assert!((square / (4096.0 * 3.0)).sqrt() < 80.0);
        // A map has few colours with many shades between them: those must come through.
        let mut map = vec![[240, 240, 240, 255]; 3000];
        map.extend(vec![[200, 10, 10, 255]; 200]);
        map.extend((0..500).map(|i| [(i % 250) as u8, (i / 2) as u8, (i % 97) as u8, 255]));
        let indexed = popular(&picture(&map));
        let of = |i: usize| indexed.colors[indexed.places[i] as usize];
        assert_eq!((of(0), of(3100)), ([240, 240, 240, 255], [200, 10, 10, 255]));
    }
}
