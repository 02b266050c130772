import { testTranscripts } from './transcript-tests.ts';

testTranscripts('telemetry');
