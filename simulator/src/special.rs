//! Special functions on `libm` alone, so that every machine computes the same bits.
//!
//! The standard library's `exp`, `ln` and their kin call the C library, whose
//! last bits differ between processors; `libm` is Rust source.
use libm::{erfc, exp, fabs, lgamma, log, log1p, sqrt};

/// The standard normal distribution function.
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

/// The density of the standard normal law.
pub fn normal_density(z: f64) -> f64 {
    const ROOT: f64 = 0.398_942_280_401_432_7;
    ROOT * exp(-0.5 * z * z)
}

/// The inverse of [`normal_cdf`]: algorithm AS 241 (Wichura, Applied Statistics
/// 37, 1988), relative error about 1e-16.
pub fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if fabs(q) <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * ratio(&wichura::CENTRE_UP, &wichura::CENTRE_DOWN, r);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    let r = sqrt(-log(tail));
    let value = if r <= 5.0 {
        ratio(&wichura::MIDDLE_UP, &wichura::MIDDLE_DOWN, r - 1.6)
    } else {
        ratio(&wichura::FAR_UP, &wichura::FAR_DOWN, r - 5.0)
    };
    if q < 0.0 { -value } else { value }
}

fn ratio(up: &[f64; 8], down: &[f64; 8], x: f64) -> f64 {
    let horner = |terms: &[f64; 8]| terms.iter().rev().fold(0.0, |sum, term| sum * x + term);
    horner(up) / horner(down)
}

/// The coefficients of algorithm AS 241.
#[expect(clippy::excessive_precision, reason = "as published, digit for digit")]
mod wichura {
    pub(super) const CENTRE_UP: [f64; 8] = [
        3.387_132_872_796_366_608,
        1.331_416_678_917_843_774_5e2,
        1.971_590_950_306_551_442_7e3,
        1.373_169_376_550_946_112_5e4,
        4.592_195_393_154_987_145_7e4,
        6.726_577_092_700_870_085_3e4,
        3.343_057_558_358_812_810_5e4,
        2.509_080_928_730_122_672_7e3,
    ];
    pub(super) const CENTRE_DOWN: [f64; 8] = [
        1.0,
        4.231_333_070_160_091_125_2e1,
        6.871_870_074_920_579_083e2,
        5.394_196_021_424_751_107_7e3,
        2.121_379_430_158_659_586_7e4,
        3.930_789_580_009_271_061e4,
        2.872_908_573_572_194_267_4e4,
        5.226_495_278_852_854_561e3,
    ];
    pub(super) const MIDDLE_UP: [f64; 8] = [
        1.423_437_110_749_683_577_34,
        4.630_337_846_156_545_295_9,
        5.769_497_221_460_691_405_5,
        3.647_848_324_763_204_605_04,
        1.270_458_252_452_368_382_58,
        2.417_807_251_774_506_117_7e-1,
        2.272_384_498_926_918_458_33e-2,
        7.745_450_142_783_414_076_4e-4,
    ];
    pub(super) const MIDDLE_DOWN: [f64; 8] = [
        1.0,
        2.053_191_626_637_758_821_87,
        1.676_384_830_183_803_849_4,
        6.897_673_349_851_000_045_5e-1,
        1.481_039_764_274_800_745_9e-1,
        1.519_866_656_361_645_719_66e-2,
        5.475_938_084_995_344_946e-4,
        1.050_750_071_644_416_843_24e-9,
    ];
    pub(super) const FAR_UP: [f64; 8] = [
        6.657_904_643_501_103_777_2,
        5.463_784_911_164_114_369_9,
        1.784_826_539_917_291_335_8,
        2.965_605_718_285_048_912_3e-1,
        2.653_218_952_657_612_309_3e-2,
        1.242_660_947_388_078_438_6e-3,
        2.711_555_568_743_487_578_15e-5,
        2.010_334_399_292_288_132_65e-7,
    ];
    pub(super) const FAR_DOWN: [f64; 8] = [
        1.0,
        5.998_322_065_558_879_376_9e-1,
        1.369_298_809_227_358_053_1e-1,
        1.487_536_129_085_061_485_25e-2,
        7.868_691_311_456_132_591e-4,
        1.846_318_317_510_054_681_8e-5,
        1.421_511_758_316_445_888_7e-7,
        2.044_263_103_389_939_785_64e-15,
    ];
}

/// The regularised incomplete beta function by Lentz's continued fraction.
pub fn beta_cdf(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(a, b, x) / a
    } else {
        1.0 - front * beta_fraction(b, a, 1.0 - x) / b
    }
}

fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    let floor = |value: f64| if fabs(value) < 1e-300 { 1e-300 } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / floor(1.0 - (a + b) * x / (a + 1.0));
    let mut h = d;
    for m in 1..300 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / floor(1.0 + even * d);
        c = floor(1.0 + even / c);
        h *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / floor(1.0 + odd * d);
        c = floor(1.0 + odd / c);
        let step = d * c;
        h *= step;
        if fabs(step - 1.0) < 1e-15 {
            break;
        }
    }
    h
}

/// The regularised lower incomplete gamma function: series below `a + 1`,
/// continued fraction above.
pub fn gamma_cdf(a: f64, x: f64) -> f64 {
    if x < a + 1.0 { gamma_series(a, x) } else { 1.0 - gamma_fraction(a, x) }
}

/// One less [`gamma_cdf`], with all digits in the upper tail.
pub fn gamma_tail(a: f64, x: f64) -> f64 {
    if x < a + 1.0 { 1.0 - gamma_series(a, x) } else { gamma_fraction(a, x) }
}

fn gamma_series(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let front = exp(a * log(x) - x - lgamma(a));
    let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
    for _ in 0..2000 {
        n += 1.0;
        term *= x / n;
        sum += term;
        if term < sum * 1e-16 {
            break;
        }
    }
    (front * sum).min(1.0)
}

fn gamma_fraction(a: f64, x: f64) -> f64 {
    let front = exp(a * log(x) - x - lgamma(a));
    let floor = |value: f64| if fabs(value) < 1e-300 { 1e-300 } else { value };
    let mut b = x + 1.0 - a;
    let mut c = 1e300;
    let mut d = 1.0 / floor(b);
    let mut h = d;
    for i in 1..2000 {
        let i = f64::from(i);
        let an = -i * (i - a);
        b += 2.0;
        d = 1.0 / floor(an * d + b);
        c = floor(b + an / c);
        let step = d * c;
        h *= step;
        if fabs(step - 1.0) < 1e-15 {
            break;
        }
    }
    (front * h).clamp(0.0, 1.0)
}

/// The quantile of a law on `[low, high]` with distribution function `cdf` and
/// density `pdf`: Newton from a guess, kept inside a shrinking bracket.
pub fn invert(
    cdf: impl Fn(f64) -> f64,
    pdf: impl Fn(f64) -> f64,
    u: f64,
    guess: f64,
    (mut low, mut high): (f64, f64),
) -> f64 {
    let mut x = guess.clamp(low, high);
    for _ in 0..100 {
        let gap = cdf(x) - u;
        if gap > 0.0 {
            high = x;
        } else {
            low = x;
        }
        let slope = pdf(x);
        let newton = x - gap / slope;
        let next =
            if slope > 0.0 && newton > low && newton < high { newton } else { 0.5 * (low + high) };
        if fabs(next - x) <= 1e-13 * fabs(next) + 1e-300 {
            return next;
        }
        x = next;
    }
    x
}

/// The density of the beta law.
pub fn beta_density(a: f64, b: f64, x: f64) -> f64 {
    let norm = lgamma(a + b) - lgamma(a) - lgamma(b);
    exp(norm + (a - 1.0) * log(x) + (b - 1.0) * log1p(-x))
}

/// The quantile of the beta law.
pub fn beta_quantile(a: f64, b: f64, u: f64, guess: f64) -> f64 {
    let norm = lgamma(a + b) - lgamma(a) - lgamma(b);
    let pdf = |x: f64| exp(norm + (a - 1.0) * log(x) + (b - 1.0) * log1p(-x));
    invert(|x| beta_cdf(a, b, x), pdf, u, guess, (0.0, 1.0))
}

/// The density of the gamma law of scale 1.
pub fn gamma_density(a: f64, x: f64) -> f64 {
    exp(-lgamma(a) + (a - 1.0) * log(x) - x)
}

/// The quantile of the gamma law of scale 1.
pub fn gamma_quantile(a: f64, u: f64, guess: f64) -> f64 {
    let norm = -lgamma(a);
    let pdf = |x: f64| exp(norm + (a - 1.0) * log(x) - x);
    let mut high = a + 10.0 * sqrt(a) + 10.0;
    while gamma_cdf(a, high) < u && high < 1e12 {
        high *= 2.0;
    }
    invert(|x| gamma_cdf(a, x), pdf, u, guess, (0.0, high))
}

/// The value of the gamma law of scale 1 that is exceeded with probability `q`.
pub fn gamma_tail_quantile(a: f64, q: f64, guess: f64) -> f64 {
    let norm = -lgamma(a);
    let pdf = |x: f64| exp(norm + (a - 1.0) * log(x) - x);
    let mut high = a + 10.0 * sqrt(a) + 10.0;
    while gamma_tail(a, high) > q && high < 1e12 {
        high *= 2.0;
    }
    invert(|x| -gamma_tail(a, x), pdf, -q, guess, (0.0, high))
}

#[cfg(test)]
mod tests {
    use statrs::distribution::{Beta, ContinuousCDF, Gamma, Normal};

    use super::*;

    const SHARES: [f64; 9] = [1e-9, 1e-4, 0.01, 0.2, 0.5, 0.77, 0.95, 0.9999, 1.0 - 1e-9];

    #[test]
    fn normal_quantiles_agree_with_statrs() {
        let normal = Normal::standard();
        for u in SHARES {
            assert!((normal.cdf(normal_quantile(u)) - u).abs() < 1e-10, "{u}");
            assert!((normal_cdf(normal_quantile(u)) / u - 1.0).abs() < 1e-9, "{u}");
        }
        assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-12);
    }

    #[test]
    fn beta_and_gamma_quantiles_agree_with_statrs() {
        for (a, b) in [(1.8, 4.2), (1.0, 5.0), (4.999, 1.001), (30.0, 2.0)] {
            let law = Beta::new(a, b).expect("shapes are positive");
            for u in SHARES {
                assert!((law.cdf(beta_quantile(a, b, u, 0.5)) - u).abs() < 1e-9, "{a} {b} {u}");
            }
        }
        for a in [0.3, 1.0, 2.5, 40.0] {
            let law = Gamma::new(a, 1.0).expect("shape is positive");
            for u in SHARES {
                assert!((law.cdf(gamma_quantile(a, u, a)) - u).abs() < 1e-9, "{a} {u}");
                let upper = law.sf(gamma_tail_quantile(a, u, a));
                assert!((upper / u - 1.0).abs() < 1e-7, "{a} {u}: {upper}");
            }
        }
    }
}
