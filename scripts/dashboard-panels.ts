/** What the Grafana dashboard shows; metrics and labels are checked against observability/catalogue.ts by a test. */
export interface Panel {
  readonly title: string;
  /** What to read from it. */
  readonly help: string;
  /** Grafana's name of the unit. */
  readonly unit: 'reqps' | 'percentunit' | 's' | 'short' | 'bytes' | 'ops';
  readonly queries: readonly PanelQuery[];
}

export interface PanelQuery {
  /** PromQL; `$__rate_interval` is Grafana's. */
  readonly expr: string;
  readonly legend: string;
  /** Whether a flow without any trouble has no series for it. */
  readonly isOnlyTrouble?: boolean;
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

const window = '[$__rate_interval]';

export const rows: readonly Row[] = [
  {
    title: 'Requests',
    panels: [
      {
        title: 'Requests per second',
        help: 'Requests answered, by endpoint and protocol.',
        unit: 'reqps',
        queries: [
          {
            expr: `sum by (endpoint, protocol) (rate(sluice_requests_total${window}))`,
            legend: '{{endpoint}} {{protocol}}',
          },
        ],
      },
      {
        title: 'Share of failed requests',
        help: 'Of all requests, by the reason of the error.',
        unit: 'percentunit',
        queries: [
          {
            expr: `sum by (reason) (rate(sluice_requests_total{reason!="ok"}${window})) / on () group_left () sum(rate(sluice_requests_total${window}))`,
            legend: '{{reason}}',
          },
        ],
      },
      {
        title: 'Time of a request',
        help: 'From the first byte of a request to the last byte of its answer.',
        unit: 's',
        queries: [0.5, 0.95, 0.99].map((quantile) => ({
          expr: `histogram_quantile(${quantile}, sum by (le, endpoint) (rate(sluice_request_seconds_bucket${window})))`,
          legend: `{{endpoint}} p${quantile * 100}`,
        })),
      },
      {
        title: 'Requests in flight',
        help: 'Accepted and not yet answered.',
        unit: 'short',
        queries: [{ expr: 'sum by (protocol) (sluice_inflight_requests)', legend: '{{protocol}}' }],
      },
    ],
  },
  {
    title: 'Phases and batches',
    panels: [
      {
        title: 'Time of each phase, p95',
        help: 'Where the time of slow requests goes.',
        unit: 's',
        queries: [
          {
            expr: `histogram_quantile(0.95, sum by (le, executor, phase) (rate(sluice_phase_seconds_bucket${window})))`,
            legend: '{{executor}} {{phase}}',
          },
        ],
      },
      {
        title: 'Wait for a worker',
        help: 'Phase queue: waiting for a batch and a free worker.',
        unit: 's',
        queries: [0.5, 0.99].map((quantile) => ({
          expr: `histogram_quantile(${quantile}, sum by (le, executor) (rate(sluice_phase_seconds_bucket{phase="queue"}${window})))`,
          legend: `{{executor}} p${quantile * 100}`,
        })),
      },
      {
        title: 'Requests in line',
        help: 'Grows where more comes in than workers can carry.',
        unit: 'short',
        queries: [{ expr: 'sum by (executor, endpoint) (sluice_queue_requests)', legend: '{{executor}} {{endpoint}}' }],
      },
      {
        title: 'Documents in a batch',
        help: 'Mean, and the largest 5 %.',
        unit: 'short',
        queries: [
          {
            expr: `sum by (executor, endpoint) (rate(sluice_batch_documents_sum${window})) / sum by (executor, endpoint) (rate(sluice_batch_documents_count${window}))`,
            legend: '{{executor}} {{endpoint}} mean',
          },
          {
            expr: `histogram_quantile(0.95, sum by (le, executor, endpoint) (rate(sluice_batch_documents_bucket${window})))`,
            legend: '{{executor}} {{endpoint}} p95',
          },
        ],
      },
      {
        title: 'Why batches leave their queue',
        help: 'Batches per second by reason.',
        unit: 'ops',
        queries: [
          {
            expr: `sum by (executor, flush_reason) (rate(sluice_batches_total${window}))`,
            legend: '{{executor}} {{flush_reason}}',
          },
        ],
      },
      {
        title: 'Dropped before they were computed',
        help: 'Their deadline passed or their caller left.',
        unit: 'reqps',
        queries: [
          {
            expr: `sum by (executor, reason) (rate(sluice_dropped_total${window}))`,
            legend: '{{executor}} {{reason}}',
            isOnlyTrouble: true,
          },
        ],
      },
    ],
  },
  {
    title: 'Workers',
    panels: [
      {
        title: 'Workers by state',
        help: 'Each worker is in one state.',
        unit: 'short',
        queries: [{ expr: 'sum by (executor, state) (sluice_worker_state) > 0', legend: '{{executor}} {{state}}' }],
      },
      {
        title: 'Restarts and retries',
        help: 'Worker processes started again, and requests sent to a second worker, in ten minutes.',
        unit: 'short',
        queries: [
          {
            expr: 'sum by (executor) (increase(sluice_worker_restarts_total[10m]))',
            legend: '{{executor}} restarts',
            isOnlyTrouble: true,
          },
          {
            expr: 'sum by (executor) (increase(sluice_retries_total[10m]))',
            legend: '{{executor}} retries',
            isOnlyTrouble: true,
          },
        ],
      },
      {
        title: 'CPU',
        help: 'Cores that each worker and the gateway keep busy.',
        unit: 'short',
        queries: [
          {
            expr: `sum by (executor, replica) (rate(sluice_worker_cpu_seconds_total${window}))`,
            legend: '{{executor}}/{{replica}}',
          },
          { expr: `rate(process_cpu_seconds_total${window})`, legend: 'gateway' },
        ],
      },
      {
        title: 'Memory',
        help: 'Resident memory of each worker and of the gateway.',
        unit: 'bytes',
        queries: [
          { expr: 'sum by (executor, replica) (sluice_worker_memory_bytes)', legend: '{{executor}}/{{replica}}' },
          { expr: 'process_resident_memory_bytes', legend: 'gateway' },
        ],
      },
      {
        title: 'Delay of event loops',
        help: 'Largest since the last report: a worker that blocks its loop answers nothing meanwhile.',
        unit: 's',
        queries: [
          { expr: 'max by (executor, replica) (sluice_worker_loop_delay_seconds)', legend: '{{executor}}/{{replica}}' },
          { expr: 'nodejs_eventloop_lag_p99_seconds', legend: 'gateway p99' },
        ],
      },
    ],
  },
];

export interface Alert {
  readonly name: string;
  readonly expr: string;
  /** How long it must hold. */
  readonly for: string;
  readonly severity: 'warning' | 'critical';
  readonly summary: string;
}

export const alerts: readonly Alert[] = [
  {
    name: 'SluiceRequestsFail',
    expr: 'sum by (job, endpoint) (rate(sluice_requests_total{reason!~"ok|cancelled|invalid_argument"}[5m])) / sum by (job, endpoint) (rate(sluice_requests_total[5m])) > 0.05',
    for: '5m',
    severity: 'critical',
    summary: '{{ $labels.endpoint }} of {{ $labels.job }}: {{ $value | humanizePercentage }} of the requests fail',
  },
  {
    name: 'SluiceQueueFull',
    expr: 'sum by (job, endpoint) (rate(sluice_requests_total{reason="queue_full"}[5m])) > 0',
    for: '2m',
    severity: 'warning',
    summary: '{{ $labels.endpoint }} of {{ $labels.job }} refuses requests: more comes in than workers can carry',
  },
  {
    name: 'SluiceLongWait',
    expr: 'histogram_quantile(0.95, sum by (job, le, executor) (rate(sluice_phase_seconds_bucket{phase="queue"}[5m]))) > 1',
    for: '5m',
    severity: 'warning',
    summary: 'Requests wait {{ $value | humanizeDuration }} for a worker of {{ $labels.executor }} (p95)',
  },
  {
    name: 'SluiceWorkersRestart',
    expr: 'sum by (job, executor) (increase(sluice_worker_restarts_total[10m])) > 3',
    for: '0m',
    severity: 'warning',
    summary: 'Workers of {{ $labels.executor }} were started again {{ $value | humanize }} times in ten minutes',
  },
  {
    name: 'SluiceNoWorker',
    expr: 'sum by (job, executor) (sluice_worker_state{state=~"ready|busy"}) == 0',
    for: '1m',
    severity: 'critical',
    summary: 'No worker of {{ $labels.executor }} is ready',
  },
];
