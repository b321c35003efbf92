-- Stripe counts money in the smallest unit of the currency, by its own list of exceptions from cents.
create macro in_major_units(amount, currency) as amount / case
  when upper(currency) in ('BIF', 'CLP', 'DJF', 'GNF', 'JPY', 'KMF', 'KRW', 'MGA', 'PYG', 'RWF', 'VND', 'VUV', 'XAF', 'XOF', 'XPF')
    then 1
  when upper(currency) in ('BHD', 'JOD', 'KWD', 'OMR', 'TND') then 1000
  else 100 end;
