import type { Command } from 'commander';
import { Option } from 'commander';
import { parseDuration } from '../arguments.ts';
import { speed } from '../demo/units.ts';
import { usageError } from '../errors.ts';
import type { Io } from '../io.ts';

interface Options {
  readonly for: number;
  readonly forever?: boolean;
  readonly speed: number;
  readonly seed: string;
}

/** `alcedo demo`, which is also `npm start`. */
export function registerDemo(program: Command, io: Io): void {
  program.command('demo')
    .description('watch simulated payments and sensor readings turn into alerts: MQTT, job and alert topics in this process')
    .addOption(new Option('--for <duration>', 'how long, in real time').default(30_000, '30s').argParser(parseDuration))
    .addOption(new Option('--forever', 'until Ctrl-C').conflicts('for'))
    .addOption(new Option('--speed <factor>', 'event time against the wall clock').default(60, '60x').argParser(speed))
    .addOption(new Option('--seed <seed>', 'another seed, another world').default('1'))
    .addHelpText('after', `
Examples:
  alcedo demo
  alcedo demo --for 10s
  alcedo demo --forever --speed 20x --seed tuesday`)
    .action(async (options: Options) => {
      if (options.speed === Infinity) throw usageError('A demo nobody can watch: --speed needs a number, such as 60x.');
      // Interruptions are looked at from now on; the demo's clients are loaded only where they are used.
      void io.interrupted;
      const { runDemo } = await import('../demo/live.ts');
      await runDemo(io, { for: options.forever === true ? Infinity : options.for, speed: options.speed, seed: options.seed });
    });
}
