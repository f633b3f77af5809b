// Node's own type stripping as jest's transform: positions do not change, so no source maps are needed.
import { stripTypeScriptTypes } from 'node:module';

export default {
  process(source) {
    return { code: stripTypeScriptTypes(source, { mode: 'strip' }) };
  },
};
