// @ts-check
/** @import { PaymentMethod } from '../../../src/domain/payment-methods.ts' */
/** @import { Page } from './page.js' */
/** @import { FieldName } from './words.js' */
import { element } from './dom.js';
import { methodName } from './words.js';

/** The methods that a shopper may choose here; the payment page offers all. */
/** @type {readonly PaymentMethod[]} */
const offered = [
  'bca_va',
  'bni_va',
  'bri_va',
  'permata_va',
  'echannel',
  'gopay',
  'shopeepay',
  'other_qris',
  'credit_card',
  'indomaret',
  'alfamart',
];

// A pattern is read with the flag `v`, by which parentheses in a class want a backslash.
/** @type {Readonly<Record<FieldName, Readonly<Record<string, string>>>>} */
const inputs = {
  name: { autocomplete: 'name', required: '', maxlength: '255' },
  email: { type: 'email', autocomplete: 'email', required: '', maxlength: '255' },
  phone: {
    type: 'tel',
    autocomplete: 'tel',
    maxlength: '30',
    pattern: '[+\\d][\\d\\s\\(\\).\\-]*',
  },
};

/** @type {readonly FieldName[]} */
const fieldNames = ['name', 'email', 'phone'];

/**
 * Who pays and how. Remembered in this tab, so that a reload is the same order.
 *
 * @param {Page} page
 */
export function createCustomerFields({ storage, words }) {
  const fields = { name: makeField('name'), email: makeField('email'), phone: makeField('phone') };
  const method = element(
    'select',
    { id: 'paymentMethod', name: 'paymentMethod' },
    element('option', { value: '' }, words.chooseLater),
    ...offered.map((code) => element('option', { value: code }, methodName(words, code))),
  );
  const methodLabel = element('label', { for: 'paymentMethod' }, words.fields.paymentMethod);
  const node = element(
    'div',
    { class: 'fields' },
    ...fieldNames.map((name) => fields[name].node),
    element('div', { class: 'field' }, methodLabel, method),
  );
  restore();
  node.addEventListener('input', () => storage.write('customer', typed()));

  /** @param {FieldName} name */
  function makeField(name) {
    const label = element('label', { for: name }, words.fields[name]);
    if (!('required' in inputs[name])) {
      label.append(' ', element('span', { class: 'quiet' }, `(${words.optional})`));
    }
    const hint = element('p', { class: 'hint', id: `${name}-hint` });
    if (name === 'email') hint.textContent = words.emailHint;
    const error = element('p', { class: 'error', id: `${name}-error` });
    const input = element('input', {
      id: name,
      name,
      'aria-describedby': `${name}-error ${name}-hint`,
      ...inputs[name],
    });
    input.addEventListener('input', () => mark(name, false));
    const field = element('div', { class: 'field' }, label, input, error, hint);
    return { node: field, input, error };
  }

  /**
   * @param {FieldName} name
   * @param {boolean} isWrong
   */
  function mark(name, isWrong) {
    const { input, error } = fields[name];
    if (isWrong) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
    error.textContent = isWrong ? words.fieldErrors[name] : '';
  }

  function typed() {
    return {
      name: fields.name.input.value.trim(),
      email: fields.email.input.value.trim(),
      phone: fields.phone.input.value.trim(),
      paymentMethod: method.value,
    };
  }

  function restore() {
    const stored = storage.read('customer');
    const known = new Map(Object.entries(typeof stored === 'object' && stored ? stored : {}));
    for (const name of fieldNames) fields[name].input.value = known.get(name) ?? '';
    const code = known.get('paymentMethod');
    method.value = offered.find((candidate) => candidate === code) ?? '';
  }

  /** What the request says of the customer: what was not given is left out of the JSON. */
  function value() {
    const { name, email, phone, paymentMethod } = typed();
    return { name, email, phone: phone || undefined, paymentMethod: paymentMethod || undefined };
  }

  /** The fields that cannot be right, as far as a browser can tell; the server judges again. */
  function findWrong() {
    const given = typed();
    return fieldNames.filter((name) => {
      const isMissing = 'required' in inputs[name] && given[name] === '';
      return isMissing || !fields[name].input.validity.valid;
    });
  }

  /** @param {readonly FieldName[]} wrong */
  function markWrong(wrong) {
    for (const name of fieldNames) mark(name, wrong.includes(name));
    const first = fieldNames.find((name) => wrong.includes(name));
    if (first) fields[first].input.focus();
  }

  return { node, value, findWrong, markWrong };
}

/**
 * @param {string} name
 * @returns {name is FieldName}
 */
export function isFieldName(name) {
  return fieldNames.some((known) => known === name);
}
