/** Ids of the texts that were found for a query, best first, by id of the query. */
export type Rankings = ReadonlyMap<string, readonly string[]>;

/** How much each text answers each query, by their ids: 1 or more where it does, 0 or absent where it does not. */
export type Judgements = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** What can be measured of one query's ranking. */
export const metricNames = ['recall', 'mrr', 'ndcg', 'map'] as const;

export type MetricName = (typeof metricNames)[number];

/**
 * One metric of each judged query, from 0 to 1, in the order of the judgements. A query that was not asked, or found
 * nothing, counts 0; one that no text answers is left out.
 *
 * `recall`: part of the answers among the first `depth`. `mrr`: 1 / place of the first answer. `ndcg`: gains by
 * judgement, each divided by log2(place + 1), as part of what the best order would give. `map`: precision at the place
 * of each answer, summed, divided by the number of answers. All as `trec_eval` has them, cut at `depth`.
 *
 * @param depth places that are looked at, at least 1
 */
export function measureQueries(
  name: MetricName,
  depth: number,
  rankings: Rankings,
  judgements: Judgements,
): Map<string, number> {
  const values = new Map<string, number>();
  for (const [query, judged] of judgements) {
    const ideal = [...judged.values()].filter((grade) => grade > 0).sort((a, b) => b - a);
    if (ideal.length === 0) continue;
    // An id that comes twice is one text, at its first place.
    const found = [...new Set(rankings.get(query))].slice(0, depth);
    values.set(
      query,
      metrics[name](
        found.map((id) => Math.max(0, judged.get(id) ?? 0)),
        ideal,
        depth,
      ),
    );
  }
  return values;
}

/** Mean over queries; 0 when there are none. */
export function mean(values: Iterable<number>): number {
  let [sum, count] = [0, 0];
  for (const value of values) {
    sum += value;
    count++;
  }
  return count === 0 ? 0 : sum / count;
}

/** @param grades of the texts that were found, in their order; `ideal` those of all answers, falling */
type Metric = (grades: readonly number[], ideal: readonly number[], depth: number) => number;

const metrics: Readonly<Record<MetricName, Metric>> = {
  recall: (grades, ideal) => grades.filter((grade) => grade > 0).length / ideal.length,
  mrr: (grades) => {
    const place = grades.findIndex((grade) => grade > 0);
    return place < 0 ? 0 : 1 / (place + 1);
  },
  ndcg: (grades, ideal, depth) => discountedGain(grades) / discountedGain(ideal.slice(0, depth)),
  map: (grades, ideal) => {
    let [answers, sum] = [0, 0];
    grades.forEach((grade, place) => {
      if (grade > 0) sum += ++answers / (place + 1);
    });
    return sum / ideal.length;
  },
};

function discountedGain(grades: readonly number[]): number {
  return grades.reduce((sum, grade, place) => sum + grade / Math.log2(place + 2), 0);
}
