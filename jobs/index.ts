export type { Columns } from './columns.ts';
export { type BadRow, JobLedger } from './job-ledger.ts';
export { runJob } from './job-run.ts';
export { openPictureRows } from './picture-rows.ts';
export { identityOf, type RowSource } from './row.ts';
export { openTextRows } from './text-rows.ts';
