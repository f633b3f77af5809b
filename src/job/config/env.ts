/** `${NAME}` and `${NAME:default}` in the text of an option. `$${` is a `${` that is meant as it stands. */

export interface Filled {
  readonly text: string;
  /** Whether any variable was named: then the text is not shown in errors. */
  readonly fromEnvironment: boolean;
  /** What is wrong: a variable that is not set, or one that is written wrongly. `at`: where in `text` as given. */
  readonly problems: readonly { readonly at: string; readonly message: string; readonly hint: string }[];
}

export type Environment = Readonly<Record<string, string | undefined>>;

const REFERENCE = /\$\$\{|\$\{([^}:]*)(?::([^}]*))?(\})?/g;

/** Puts variables in. A default stands in for a variable that is not set, or is empty. */
export function fillIn(text: string, env: Environment): Filled {
  if (!text.includes('${')) return { text, fromEnvironment: false, problems: [] };
  const problems: { at: string; message: string; hint: string }[] = [];
  let fromEnvironment = false;
  const filled = text.replace(REFERENCE, (whole: string, name: string | undefined, fallback: string | undefined, end: string | undefined) => {
    if (whole === '$${') return '${';
    fromEnvironment = true;
    if (end === undefined) {
      problems.push({ at: '${', message: 'a "${" without its "}"', hint: 'write ${NAME} or ${NAME:default}; for the characters themselves write $${' });
      return '';
    }
    if (!/^[A-Za-z_]\w*$/.test(name!)) {
      problems.push({ at: '${', message: 'what stands in ${…} is not the name of an environment variable', hint: 'write ${NAME} or ${NAME:default}, or $${ for the characters themselves' });
      return '';
    }
    const value = env[name!];
    if (fallback !== undefined) return value === undefined || value === '' ? fallback : value;
    if (value === undefined) {
      problems.push({
        at: `\${${name!}`, message: `the environment variable "${name!}" is not set`, hint: `set it, or give a default: \${${name!}:…}`,
      });
    }
    return value ?? '';
  });
  return { text: filled, fromEnvironment, problems };
}

/** Text that reads as itself where variables are put in. */
export function escapeEnv(text: string): string {
  return text.replaceAll('${', '$${');
}
