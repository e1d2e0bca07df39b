//! Which rate is tried next, and when the search is over.
//!
//! Apart from whoever runs the job, and pure: outcomes go in, trials and a verdict come out, so that every course of a
//! search can be tested on simulated systems.
//!
//! ```text
//! ramp    double the rate while it is kept; while nothing was kept yet, go down
//! refine  between the highest rate that was kept and the lowest that was not, until they are close
//! hold    the highest rate kept, for long; a little less if it is not
//! ```

/// What the rate grows by from step to step while it is kept.
const GROWTH: f64 = 2.0;

/// What it falls by at least while none was kept.
const FALL: f64 = 4.0;

/// No search goes below so many records per second.
const LEAST_RATE: f64 = 1.0;

/// Steps of refinement at most, whatever precision is wanted.
const REFINEMENTS: u32 = 12;

/// How often a hold is tried.
const HOLDS: u32 = 4;

/// Between what a search looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Limits {
    /// The rate that is tried first, in records per second.
    pub(super) start: f64,
    /// The highest that is tried.
    pub(super) max: f64,
    /// How far apart, as a share, the highest rate kept and the lowest not kept may be in the end.
    pub(super) precision: f64,
}

/// What a trial is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// To find a rate that is too much.
    Ramp,
    /// To come closer.
    Refine,
    /// To see that it lasts.
    Hold,
}

impl Phase {
    /// The word for it.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Ramp => "ramp",
            Self::Refine => "refine",
            Self::Hold => "hold",
        }
    }
}

/// A rate to try, in records per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Trial {
    pub(super) phase: Phase,
    pub(super) rate: f64,
}

/// How a trial went.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    /// The job kept up.
    Kept,
    /// It did not; so many records per second came through.
    Behind {
        /// Records per second that came through.
        achieved: f64,
    },
    /// The job failed, and why.
    Failed(String),
    /// The input has ended.
    Ended,
    /// Somebody has asked to stop.
    Interrupted,
}

/// What a search has found.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    /// This rate was held.
    Sustained(f64),
    /// This rate was held, and it is the highest allowed: the job may be capable of more.
    AtMaximum(f64),
    /// Not even this rate was kept.
    Never(f64),
    /// Rates were kept for a step, but none for the hold, down to this one.
    Unsteady(f64),
    /// The job failed at this rate.
    Failed {
        /// Records per second at that time.
        rate: f64,
        /// What it said.
        cause: String,
    },
    /// The input has ended at this rate.
    Ended(f64),
    /// Somebody has asked to stop while this rate was tried.
    Interrupted(f64),
}

/// A search under way.
#[derive(Clone, Debug)]
pub(super) struct Search {
    limits: Limits,
    trial: Trial,
    /// The highest rate that was kept.
    kept: Option<f64>,
    /// The lowest rate that was not.
    missed: Option<f64>,
    refinements: u32,
    holds: u32,
    verdict: Option<Verdict>,
}

impl Search {
    /// A search that has tried nothing.
    pub(super) fn new(limits: Limits) -> Self {
        let rate = limits.start.clamp(LEAST_RATE, limits.max.max(LEAST_RATE));
        Self {
            limits,
            trial: Trial { phase: Phase::Ramp, rate },
            kept: None,
            missed: None,
            refinements: 0,
            holds: 0,
            verdict: None,
        }
    }

    /// What is to be tried next; the verdict when the search is over.
    pub(super) const fn next(&self) -> Result<Trial, &Verdict> {
        match &self.verdict {
            None => Ok(self.trial),
            Some(verdict) => Err(verdict),
        }
    }

    /// Takes note of how the trial went that was to be tried.
    pub(super) fn observe(&mut self, outcome: Outcome) {
        let Trial { phase, rate } = self.trial;
        match (phase, outcome) {
            (_, Outcome::Failed(cause)) => self.verdict = Some(Verdict::Failed { rate, cause }),
            (_, Outcome::Ended) => self.verdict = Some(Verdict::Ended(rate)),
            (_, Outcome::Interrupted) => self.verdict = Some(Verdict::Interrupted(rate)),
            (Phase::Hold, Outcome::Kept) => {
                let at_maximum = rate >= self.limits.max;
                let found = if at_maximum { Verdict::AtMaximum } else { Verdict::Sustained };
                self.verdict = Some(found(rate));
            }
            (Phase::Hold, Outcome::Behind { achieved }) => self.hold_less(rate, achieved),
            (_, Outcome::Kept) => {
                self.kept = Some(rate);
                self.after_step(None);
            }
            (_, Outcome::Behind { achieved }) => {
                self.missed = Some(rate);
                self.after_step(Some(achieved));
            }
        }
    }

    /// A hold that was not kept: a little less, or nothing.
    fn hold_less(&mut self, rate: f64, achieved: f64) {
        self.holds += 1;
        let less = rate.min(achieved) * (1.0 - self.limits.precision);
        if self.holds >= HOLDS || less < LEAST_RATE {
            self.verdict = Some(Verdict::Unsteady(rate));
        } else {
            self.trial.rate = less;
        }
    }

    /// What follows a step of ramp or refinement, at which so many records per second came through if it was not kept.
    fn after_step(&mut self, achieved: Option<f64>) {
        let rate = self.trial.rate;
        self.trial = match (self.kept, self.missed) {
            (Some(kept), None) if kept >= self.limits.max => {
                Trial { phase: Phase::Hold, rate: kept }
            }
            (Some(kept), None) => {
                Trial { phase: Phase::Ramp, rate: (kept * GROWTH).min(self.limits.max) }
            }
            (None, _) if rate <= LEAST_RATE => {
                self.verdict = Some(Verdict::Never(rate));
                return;
            }
            (None, _) => {
                // What came through is a better guess than any fixed fall, if it is far below.
                let guess =
                    achieved.map_or(rate, |achieved| achieved * (1.0 - self.limits.precision));
                let guess = if guess > LEAST_RATE { guess } else { rate / FALL };
                Trial { phase: Phase::Ramp, rate: guess.min(rate / GROWTH).max(LEAST_RATE) }
            }
            (Some(kept), Some(missed)) => self.refined(kept, missed, achieved),
        };
    }

    /// A rate in between, or a hold at the one that was kept.
    fn refined(&mut self, kept: f64, missed: f64, achieved: Option<f64>) -> Trial {
        let ratio = 1.0 + self.limits.precision;
        if missed <= kept * ratio || self.refinements >= REFINEMENTS {
            return Trial { phase: Phase::Hold, rate: kept };
        }
        self.refinements += 1;
        // Just below what came through when it was too much; else half way, as rates are compared: by their ratio; but no leap.
        let hint = achieved.map(|achieved| achieved / ratio.sqrt());
        let hint = hint.filter(|hint| *hint > kept * ratio.sqrt() && *hint < missed / ratio.sqrt());
        let rate = hint.unwrap_or_else(|| (kept * missed).sqrt().min(kept * GROWTH));
        Trial { phase: Phase::Refine, rate }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: Limits = Limits { start: 100_000.0, max: 1e9, precision: 0.05 };

    /// Runs a search against a system; gives the verdict and the trials.
    fn run(limits: Limits, mut system: impl FnMut(Trial) -> Outcome) -> (Verdict, Vec<Trial>) {
        let (mut search, mut trials) = (Search::new(limits), Vec::new());
        loop {
            match search.next() {
                Err(verdict) => return (verdict.clone(), trials),
                Ok(trial) => {
                    assert!(trials.len() < 100, "it does not end: {trials:?}");
                    trials.push(trial);
                    search.observe(system(trial));
                }
            }
        }
    }

    fn capacity(most: f64) -> impl FnMut(Trial) -> Outcome {
        move |trial| {
            if trial.rate <= most { Outcome::Kept } else { Outcome::Behind { achieved: most } }
        }
    }

    #[test]
    fn a_search_ramps_refines_and_holds() {
        let (verdict, trials) = run(LIMITS, capacity(1_000_000.0));
        let told: Vec<String> = trials
            .iter()
            .map(|trial| format!("{} {:.0}", trial.phase.word(), trial.rate))
            .collect();
        let expected = [
            "ramp 100000",
            "ramp 200000",
            "ramp 400000",
            "ramp 800000",
            "ramp 1600000",
            "refine 975900",
            "refine 1249576",
            "refine 1104292",
            "refine 1038113",
            "refine 1006526",
            "hold 975900",
        ];
        assert_eq!(told, expected);
        assert_eq!(verdict, Verdict::Sustained(trials[10].rate));
    }

    #[test]
    fn a_capacity_above_the_maximum_is_told_as_such() {
        let limits = Limits { max: 250_000.0, ..LIMITS };
        let (verdict, trials) = run(limits, capacity(1e9));
        assert_eq!(verdict, Verdict::AtMaximum(250_000.0));
        let rates: Vec<f64> = trials.iter().map(|trial| trial.rate).collect();
        assert_eq!(rates, [100_000.0, 200_000.0, 250_000.0, 250_000.0]);
    }

    #[test]
    fn a_start_above_the_maximum_begins_there() {
        let (_, trials) = run(Limits { max: 10.0, ..LIMITS }, capacity(1e9));
        assert_eq!(trials[0], Trial { phase: Phase::Ramp, rate: 10.0 });
    }

    #[test]
    fn a_request_to_stop_ends_the_search_where_it_is() {
        let (verdict, trials) =
            run(
                LIMITS,
                |trial| {
                    if trial.rate > 100_000.0 { Outcome::Interrupted } else { Outcome::Kept }
                },
            );
        assert_eq!((verdict, trials.len()), (Verdict::Interrupted(200_000.0), 2));
    }

    #[test]
    fn a_job_that_fails_ends_the_search() {
        let (verdict, trials) = run(LIMITS, |trial| {
            if trial.rate > 300_000.0 {
                Outcome::Failed("out of luck".into())
            } else {
                Outcome::Kept
            }
        });
        let cause = "out of luck".to_owned();
        assert_eq!(verdict, Verdict::Failed { rate: 400_000.0, cause });
        assert_eq!(trials.len(), 3);
    }

    #[test]
    fn an_input_that_ends_ends_the_search() {
        let mut left = 2;
        let (verdict, _) = run(LIMITS, |_| {
            left -= 1;
            if left == 0 { Outcome::Ended } else { Outcome::Kept }
        });
        assert_eq!(verdict, Verdict::Ended(200_000.0));
    }

    #[test]
    fn a_job_that_keeps_up_with_nothing_is_given_up_at_one_record_per_second() {
        let (verdict, trials) = run(LIMITS, |_| Outcome::Behind { achieved: 0.0 });
        assert_eq!(verdict, Verdict::Never(1.0));
        assert_eq!(trials.len(), 10, "{trials:?}");
    }

    #[test]
    fn a_job_far_below_the_start_is_found_by_what_comes_through() {
        let (verdict, trials) = run(LIMITS, capacity(40.0));
        let Verdict::Sustained(rate) = verdict else { panic!("{verdict:?}") };
        assert!((38.0..=40.0).contains(&rate), "{rate}");
        assert!(trials.len() < 10, "{trials:?}");
    }

    #[test]
    fn a_job_that_keeps_steps_but_no_hold_is_unsteady() {
        let (verdict, trials) =
            run(Limits { max: 100_000.0, ..LIMITS }, |trial| match trial.phase {
                Phase::Hold => Outcome::Behind { achieved: trial.rate },
                _ => Outcome::Kept,
            });
        assert!(matches!(verdict, Verdict::Unsteady(rate) if rate > 80_000.0 && rate < 90_000.0));
        assert_eq!(trials.iter().filter(|trial| trial.phase == Phase::Hold).count(), 4);
    }

    #[test]
    fn a_hold_that_is_not_kept_is_tried_with_a_little_less() {
        let (verdict, trials) = run(LIMITS, |trial| {
            let most = if trial.phase == Phase::Hold { 900_000.0 } else { 1_000_000.0 };
            capacity(most)(trial)
        });
        let Verdict::Sustained(rate) = verdict else { panic!("{verdict:?}") };
        assert!((850_000.0..900_000.0).contains(&rate), "{rate}");
        assert_eq!(trials.iter().filter(|trial| trial.phase == Phase::Hold).count(), 2);
    }

    proptest! {
        /// Whatever the capacity and however it flickers, the search ends and comes close.
        #[test]
        fn a_noisy_capacity_is_found(
            most in 10.0_f64..5e8,
            noise in prop::collection::vec(0.97_f64..1.03, 100),
        ) {
            let mut noise = noise.into_iter();
            let (verdict, trials) = run(LIMITS, |trial| {
                capacity(most * noise.next().unwrap_or(1.0))(trial)
            });
            let Verdict::Sustained(rate) = verdict else { panic!("{verdict:?}") };
            prop_assert!(rate > most * 0.85 && rate < most * 1.04, "{} of {} in {:?}", rate, most, trials);
            prop_assert!(trials.len() < 60);
        }

        /// No answers of a system, however odd, keep a search from its end, or lead it out of its limits.
        #[test]
        fn any_system_comes_to_a_verdict(
            answers in prop::collection::vec((any::<bool>(), 0.0_f64..1e12), 100),
            start in 0.0_f64..1e12,
            max in 1.0_f64..1e12,
        ) {
            let mut answers = answers.into_iter();
            let (_, trials) = run(Limits { start, max, precision: 0.05 }, |_| match answers.next() {
                Some((false, achieved)) => Outcome::Behind { achieved },
                _ => Outcome::Kept,
            });
            for trial in trials {
                prop_assert!(trial.rate >= 1.0 && trial.rate <= max, "{:?}", trial);
            }
        }
    }
}
