import type { Replay } from '../../../../scorer/backtest/replay.ts';
import type { BacktestSession } from '../../../../scorer/backtest/session.ts';
import type { Feature } from '../../../../scorer/features/features.ts';
import type { Experience } from '../../../../scorer/scoring/experience/experience.ts';
import { Levels, type LevelShift } from '../../../../scorer/scoring/experience/levels.ts';
import { Seasons } from '../../../../scorer/scoring/experience/seasons.ts';
import { type Trend, Trends } from '../../../../scorer/scoring/experience/trends.ts';

/** Nothing recurs. */
class NoSeasons extends Seasons {
  override tolerance(): readonly number[] | undefined {
    return undefined;
  }
}

/** No level ages. */
class NoLevels extends Levels {
  override observe(): readonly LevelShift[] {
    return [];
  }
}

/** Nothing grows slowly. */
class NoTrends extends Trends {
  override trendOf(): Trend | undefined {
    return undefined;
  }
}

const PARTS: Readonly<Record<keyof Experience, (features: readonly Feature[]) => Partial<Experience>>> = {
  seasons: (features) => ({ seasons: new NoSeasons(features, []) }),
  levels: () => ({ levels: new NoLevels() }),
  trends: (features) => ({ trends: new NoTrends(features, 60) }),
};

/** The product, but some parts of its experience learn nothing. */
export function replayWithout(session: BacktestSession, parts: readonly (keyof Experience)[]): Promise<Replay> {
  const { experience: create } = session.replayed;
  if (create === undefined) throw new Error('expected a session with experience');
  const { features } = session.shape;
  const experience = () =>
    parts.reduce<Experience>((whole, part) => ({ ...whole, ...PARTS[part](features) }), create());
  return session.replay(`without ${parts.join()}`, session.profiles, session.model.autoencoder, { experience });
}
