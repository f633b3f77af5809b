import { compiledFolder } from './brokers/cache.ts';
import { openDoor } from './shared-kafka.ts';

/** In jest's own process, before all suites; what they start, and jest's workers, take the environment over. */
export default async function setUp(): Promise<void> {
  process.env['NODE_COMPILE_CACHE'] ??= compiledFolder();
  await openDoor();
}
