/** The demo's job, as anybody would write it; and reading it. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Program } from '../../../dsl/typed.ts';
import { checkAgainstRules, readJobText, type JobConfig } from '../../job/index.ts';
import type { Io } from '../io.ts';
import { loadProgram } from '../rule-files.ts';

/** Topics that the job sends alerts to. */
export const ALERT_TOPICS = ['fraud-alerts', 'iot-alerts'] as const;

/** `mqtt`: the broker's URL. `data`: the folder for journals and state. No rule reads logins: nobody subscribes to them. */
export function jobText(mqtt: string, data: string): string {
  return `\
name: demo
data: ${JSON.stringify(data).replaceAll('${', '$${')}
rules: [rules/fraud, rules/iot]

mqtt: { url: "${mqtt}", protocol: 3.1.1 }
# A log in this process; without "adapter" it would be the Kafka at this address.
kafka: { adapter: memory, brokers: localhost:9092 }

sources:
  payments:
    mqtt:
      topics:
        - { filter: bank/payment, type: Payment }
        - { filter: bank/password-reset, type: PasswordReset }
        - { filter: bank/customer-verified, type: CustomerVerified }
        - { filter: bank/new-payee, type: NewPayee }
        - { filter: bank/transfer, type: Transfer }
      journal: { maxBytes: 64MiB, segmentBytes: 1MiB }
    idle: never
    ahead: never
  sensors:
    mqtt:
      topics:
        - { filter: plant/+/temperature, type: Temperature }
        - { filter: plant/+/vibration, type: Vibration }
        - { filter: plant/+/door, type: Door }
        - { filter: plant/+/acknowledge, type: Acknowledge }
      fields: { sensor: topic 2 }
      journal: { maxBytes: 64MiB, segmentBytes: 1MiB }
    idle: never
    ahead: never

channels:
  fraud_alerts: { kafka: { topic: fraud-alerts, create: { partitions: 3 } } }
  iot_alerts: { kafka: { topic: iot-alerts, create: { partitions: 3 } } }

state:
  sqlite: {}
  checkpoint: 250ms

http: false
`;
}

export interface DemoJob { readonly config: JobConfig; readonly program: Program }

/** Reads the text as if it stood in the folder of the package, beside the rules that come with it. @throws CliError where those have errors */
export async function readDemoJob(io: Io, text: string): Promise<DemoJob> {
  const loaded = readJobText(join(packageFolder(), 'demo.yaml'), text, {});
  if (loaded.job === undefined) throw new Error(`the demo's job file is wrong: ${loaded.problems.map(({ message }) => message).join('; ')}`);
  const { program } = await loadProgram(io, loaded.job.rules.files);
  const errors = checkAgainstRules(loaded, program).filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new Error(`the demo's job file does not fit its rules: ${errors.map(({ message }) => message).join('; ')}`);
  return { config: loaded.job, program };
}

/** The folder with the rules that come with the project: above the sources, and above the folder of the build. */
function packageFolder(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'rules', 'fraud', 'events.cep'))) return folder;
    if (folder === dirname(folder)) throw new Error('the folder "rules" is missing from this installation');
  }
}
