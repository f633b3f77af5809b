export { closeDoor as default } from './shared-kafka.ts';
