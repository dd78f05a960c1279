;; A computation of about 5,000 internal operations that touches everything an interrupt could harm: locals, a deep operand stack,
;; calls and recursion, calls through a table, br_table, 64-bit and float values, linear memory of every width, bulk memory,
;; globals. Its handler for soft0 computes a lot and keeps nothing.
(module
  (type $step (func (param i32) (result i32)))
  (memory (export "memory") 700 700 (pagesize 1))
  (global $mix (mut i32) (i32.const 1))
  (global $wide (mut i64) (i64.const 0x0123456789abcdef))
  (global $real (mut f64) (f64.const 1.5))
  (table funcref (elem $add $scramble $fib $fold))

  (func $add (type $step) (i32.add (local.get 0) (i32.const 77)))
  (func $scramble (type $step)
    (i32.xor (i32.mul (local.get 0) (i32.const 0x9E3779B1)) (i32.rotl (local.get 0) (i32.const 7))))
  (func $fib (type $step)
    (if (result i32) (i32.lt_u (i32.and (local.get 0) (i32.const 7)) (i32.const 2))
      (then (i32.const 1))
      (else (i32.add (call $fib (i32.sub (i32.and (local.get 0) (i32.const 7)) (i32.const 1)))
                     (call $fib (i32.sub (i32.and (local.get 0) (i32.const 7)) (i32.const 2)))))))
  (func $fold (type $step) (local $i i32) (local $sum i32)
    (loop $next
      (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (i32.load8_u (local.get $i))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 13))) (i32.const 600))))
    (i32.xor (local.get $sum) (local.get 0)))
  (func $pair (param i64) (result i64 i32)
    (i64.rotl (local.get 0) (i64.const 9))
    (i32.wrap_i64 (i64.shr_u (local.get 0) (i64.const 32))))

  (func (export "run") (param $seed i32) (result i32) (local $i i32) (local $x i32) (local $w i64)
    (local.set $x (local.get $seed))
    (loop $round
      (local.set $x (call_indirect (type $step) (local.get $x) (i32.and (local.get $i) (i32.const 3))))
      (i32.store offset=4 (i32.and (local.get $x) (i32.const 0xff)) (i32.add (local.get $x) (local.get $i)))
      (i32.store16 offset=260 (i32.and (local.get $x) (i32.const 0x3f)) (local.get $x))
      (i64.store offset=320 (i32.and (local.get $i) (i32.const 0x38)) (global.get $wide))
      (call $pair (i64.add (global.get $wide) (i64.extend_i32_s (local.get $x))))
      (global.set $mix (i32.add (global.get $mix)))
      (global.set $wide)
      (global.set $real (f64.add (f64.mul (global.get $real) (f64.const 1.0625)) (f64.convert_i32_s (local.get $i))))
      (block $done
        (block $two
          (block $one
            (block $zero (br_table $zero $one $two $done (i32.rem_u (local.get $x) (i32.const 5))))
            (memory.fill (i32.const 400) (local.get $x) (i32.const 40)) (br $done))
          (memory.copy (i32.const 410) (i32.const 4) (i32.const 90)) (br $done))
        (memory.copy (i32.const 8) (i32.const 4) (i32.const 290)))
      (local.set $x (select (i32.add (local.get $x) (i32.const 3)) (local.get $x) (i32.and (global.get $mix) (i32.const 1))))
      (br_if $round (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 40))))
    (i32.xor (local.get $x) (i32.xor (global.get $mix) (call $fold (i32.const 0)))))

  (func (export "irq:soft0") (param $source i32) (param $count i32) (param $context i32) (local $n i64)
    (local.set $n (i64.const 40))
    (loop $spin
      (drop (call $fold (call $scramble (i32.wrap_i64 (local.get $n)))))
      (drop (call $fib (i32.const 5)))
      (br_if $spin (i64.ne (local.tee $n (i64.sub (local.get $n) (i64.const 20))) (i64.const 0)))))
)
