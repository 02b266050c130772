import { testTranscripts } from './transcript-tests.ts';

testTranscripts('http');
