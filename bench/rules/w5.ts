import { COUNTRIES } from '../payments.ts';

/** The text of `w5.cep`: a thousand rules of one shape, which no person would write by hand. Needs `payment.cep` beside it. */
export function thousandRules(count = 1000): string {
  const rules = Array.from({ length: count }, (_, i) => `
rule R${i} {
  by card
  match all small -> big within 5m
    small: Payment where amount < ${1 + i % 10} and country == "${COUNTRIES[i % COUNTRIES.length]}"
    big:   Payment where amount > 990 and merchant == "m-${i}"
  alert fraud { card }
  evidence refs
}
`);
  return `use "payment.cep"\n${rules.join('')}`;
}
