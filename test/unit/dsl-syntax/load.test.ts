import { describe, expect, test } from '@jest/globals';
import { didYouMean, loadFiles } from '../../../dsl/index.ts';

function load(paths: string[], files: Record<string, string>): { paths: string[]; findings: string[]; reads: string[] } {
  const reads: string[] = [];
  const loaded = loadFiles(paths, (path) => {
    reads.push(path);
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error(`ENOENT: no such file, open '${path}'`), { code: 'ENOENT' });
    return text;
  });
  return { paths: loaded.files.map((file) => file.path), findings: loaded.diagnostics.map((one) => `${one.span.file}:${one.span.start} ${one.code} ${one.message}`), reads };
}

describe('loading files', () => {
  test('used files come behind those given, in order of first mention, each once', () => {
    const result = load(['rules/b.cep', 'rules/a.cep'], {
      'rules/a.cep': 'use "lib/x.cep" use "../types.cep"',
      'rules/b.cep': 'use "a.cep" use "./lib/../lib/y.cep"',
      'rules/lib/x.cep': 'use "../a.cep"',
      'rules/lib/y.cep': 'use "x.cep"',
      'types.cep': 'event A { }',
    });
    expect(result).toEqual({
      paths: ['rules/b.cep', 'rules/a.cep', 'rules/lib/y.cep', 'rules/lib/x.cep', 'types.cep'], findings: [],
      reads: ['rules/b.cep', 'rules/a.cep', 'rules/lib/y.cep', 'rules/lib/x.cep', 'types.cep'],
    });
  });

  test('cycles are fine, a file given twice is one', () => {
    const files = { 'a.cep': 'use "b.cep"', 'b.cep': 'use "a.cep" use "b.cep"' };
    expect(load(['a.cep', './a.cep', 'a.cep'], files)).toMatchObject({ paths: ['a.cep', 'b.cep'], findings: [] });
  });

  test('absolute paths', () => {
    expect(load(['/r/a.cep'], { '/r/a.cep': 'use "b.cep" use "/s/c.cep"', '/r/b.cep': '', '/s/c.cep': '' }).paths).toEqual(['/r/a.cep', '/r/b.cep', '/s/c.cep']);
  });

  test('a missing file is an error at each use of it, and read once', () => {
    const result = load(['a.cep'], { 'a.cep': 'use "x.cep"\nuse "b.cep"', 'b.cep': 'use "x.cep" rule' });
    expect(result.findings).toEqual([
      'a.cep:4 file-not-read cannot read "x.cep": there is no such file',
      'b.cep:4 file-not-read cannot read "x.cep": there is no such file',
      "b.cep:16 syntax expected the rule's name, found the end of the file",
    ]);
    expect(result.reads.filter((path) => path === 'x.cep')).toHaveLength(1);
  });

  test('a missing file that was given is an error of its own', () => {
    expect(load(['x.cep', 'a.cep'], { 'a.cep': '' })).toMatchObject({ paths: ['a.cep'], findings: ['x.cep:0 file-not-read cannot read "x.cep": there is no such file'] });
  });
});

describe('did you mean', () => {
  test.each([
    ['amout', ['account', 'amount'], 'amount'],
    ['amuont', ['amount'], 'amount'],
    ['Amount', ['amount', 'mount'], 'amount'],
    ['customer', ['amount', 'merchant'], undefined],
    ['ab', ['xy'], undefined],
    ['x', ['y'], undefined],
    ['cnt', ['count'], undefined],
    ['sevrity', ['severity', 'version'], 'severity'],
    ['amount', ['amount'], undefined],
    ['a', [], undefined],
  ])('%s among %j', (name, candidates, meant) => {
    expect(didYouMean(name, candidates)).toBe(meant);
  });
});
