export { openDoor as default } from './shared-kafka.ts';
