use super::super::matrix::Matrix;
use super::*;
use crate::simd::Isa;

/// The equations above, pair after pair, in double precision: the input is read again for each.
fn reference(window: &Window, input: &mut [Vec<f64>], output: &mut [Vec<f64>], lr: f64) {
    let mut start = 0;
    for &end in &window.ends {
        let pair = start..end as usize;
        start = end as usize;
        let n = window.inputs.len() as f64;
        let dim = input[0].len();
        let h: Vec<f64> = (0..dim)
            .map(|i| window.inputs.iter().map(|&row| input[row as usize][i]).sum::<f64>() / n)
            .collect();
        let mut gradient = vec![0.0; dim];
        for (&row, &label) in window.outputs[pair.clone()].iter().zip(&window.labels[pair]) {
            let u = &mut output[row as usize];
            let dot: f64 = u.iter().zip(&h).map(|(a, b)| a * b).sum();
            let g = lr * (f64::from(label) - 1.0 / (1.0 + (-dot).exp()));
            for i in 0..dim {
                gradient[i] += g * u[i];
                u[i] += g * h[i];
            }
        }
        for &row in &window.inputs {
            input[row as usize].iter_mut().zip(&gradient).for_each(|(x, g)| *x += g);
        }
    }
}

#[test]
fn a_window_is_the_published_updates_pair_after_pair() {
    // Dimensions below, at and above whole vectors; inputs alone, several, and twice the same.
    for (dim, inputs, sum_of_squares) in
        [(1, vec![2], 1.0), (16, vec![0, 3, 4], 3.0), (100, vec![1, 2, 2, 5], 6.0)]
    {
        let mut window = Window::default();
        window.clear();
        window.gain = sum_of_squares / inputs.len() as f32;
        window.inputs = inputs;
        // Pairs of one output, of six, of more than are computed at once, and of many.
        for (pair, outputs) in [1u32, 6, 11, 24].into_iter().enumerate() {
            for j in 0..outputs {
                window.outputs.push((j + pair as u32) % 30);
                window.labels.push(if j % 3 == 0 { 1.0 } else { 0.0 });
            }
            window.ends.push(window.outputs.len() as u32);
        }
        window.seal();
        for isa in Isa::available() {
            let mut input = Matrix::zeros(6, dim).unwrap();
            let mut output = Matrix::zeros(30, dim).unwrap();
            input.randomize(0, 0.5, 1);
            output.randomize(0, 0.5, 2);
            let rows = |matrix: &Matrix| -> Vec<Vec<f64>> {
                let row = |row| matrix.row(row).iter().map(|&x| f64::from(x)).collect();
                (0..matrix.rows()).map(row).collect()
            };
            let (mut exact_input, mut exact_output) = (rows(&input), rows(&output));
            reference(&window, &mut exact_input, &mut exact_output, 0.05);
            let mut buffers = Buffers::new(dim.div_ceil(LANES));
            let step = Step {
                window: &window,
                buffers: &mut buffers,
                input: input.shared(),
                output: output.shared(),
                lr: 0.05,
                watch: true,
            };
            // SAFETY: the window names rows that there are.
            unsafe { isa.run(step) };
            assert_eq!(buffers.sigmas.len(), 24);
            for (found, exact) in [(rows(&input), exact_input), (rows(&output), exact_output)] {
                for (found, exact) in found.iter().flatten().zip(exact.iter().flatten()) {
                    assert!((found - exact).abs() < 2e-6, "{isa:?} {dim}: {found} {exact}");
                }
            }
            // Padding stays zero, or products would be wrong.
            let padded = input.shared().vectors() * LANES;
            assert!(padded == dim.next_multiple_of(LANES));
        }
    }
}
