export { type DataSet, missingFiles, readDataSet, readJudgements, readTexts } from './data-set.ts';
export { type Difference, pairedBootstrap } from './paired-bootstrap.ts';
export {
  type Judgements,
  mean,
  measureQueries,
  type MetricName,
  metricNames,
  type Rankings,
} from './retrieval-metrics.ts';
export { readRun } from './run-file.ts';
export { searchRun, type SearchRunOptions } from './search-run.ts';
export type { Columns } from './columns.ts';
export { type BadRow, JobLedger } from './job-ledger.ts';
export { runJob } from './job-run.ts';
export { openPictureRows } from './picture-rows.ts';
export { identityOf, type RowSource } from './row.ts';
export { openTextRows } from './text-rows.ts';
