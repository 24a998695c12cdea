import type { Replay } from '../../../scorer/backtest/replay.ts';
import type { BacktestSession } from '../../../scorer/backtest/session.ts';
import { type Ranker, rankRootCauses } from '../../../scorer/scoring/ranking/root-cause.ts';

/** The product's replay, with what its ranking was given at each step that is ranked. */
interface ProductReplay {
  readonly replay: Replay;
  readonly given: ReadonlyMap<number, Parameters<Ranker>>;
}

const replays = new WeakMap<BacktestSession, Promise<ProductReplay>>();

/** The product's replay, once for each session. */
export async function replayProduct(session: BacktestSession): Promise<Replay> {
  return (await productOf(session)).replay;
}

/** The product's scores with another ranking of the same suspects and edges. */
export async function replayRanked(session: BacktestSession, rank: Ranker): Promise<Replay> {
  const { replay, given } = await productOf(session);
  const rankings = new Map([...given].map(([step, of]) => [step, rank(...of).map(({ key }) => key)]));
  return { ...replay, rankings };
}

function productOf(session: BacktestSession): Promise<ProductReplay> {
  const known = replays.get(session) ?? record(session);
  replays.set(session, known);
  return known;
}

async function record(session: BacktestSession): Promise<ProductReplay> {
  const given = new Map<number, Parameters<Ranker>>();
  let ranked: number | undefined;
  const replay = await session.replay('replay', session.profiles, session.model.autoencoder, {
    wantRanking: (step) => {
      const wanted = session.replayed.wantRanking(step);
      ranked = wanted ? step : undefined;
      return wanted;
    },
    rank: (...of) => {
      if (ranked !== undefined) given.set(ranked, of);
      return rankRootCauses(...of);
    },
  });
  return { replay, given };
}
