import { MemoryStore, type MemoryData } from '../../../src/state/stores/index.ts';
import { storeContract } from '../../support/store-contract.ts';

storeContract('memory', async () => {
  const data: MemoryData = new Map();
  const flip = (bytes: Uint8Array | undefined): void => {
    if (bytes === undefined) throw new Error('there is nothing to damage');
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
  };
  return {
    open: async () => new MemoryStore(data),
    damageChunk: async (task, name) => flip(data.get(task)?.chunks.get(name)),
    damageManifest: async (task, checkpoint) => flip(data.get(task)?.manifests.get(checkpoint)),
    dropChunk: async (task, name) => void data.get(task)?.chunks.delete(name),
    wipe: async () => data.clear(),
    done: async () => {},
  };
});
