export type { LiveExecutor, LiveSnapshot } from './pages/live.ts';
export { type Gateway, type GatewayOptions, startGateway } from './gateway.ts';
