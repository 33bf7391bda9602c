//! Tables in Markdown.

/// A table: a row for each contender, aligned so that it reads well as plain text too.
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(columns: &[&str]) -> Self {
        Self { rows: vec![columns.iter().map(ToString::to_string).collect()] }
    }

    pub fn row(&mut self, cells: Vec<String>) {
        assert_eq!(cells.len(), self.rows[0].len());
        self.rows.push(cells);
    }

    /// Prints it under a title.
    pub fn print(&self, title: &str) {
        let widths: Vec<usize> = (0..self.rows[0].len())
            .map(|column| {
                // Three hyphens are the shortest rule.
                self.rows.iter().fold(3, |width, row| width.max(row[column].chars().count()))
            })
            .collect();
        println!("### {title}\n");
        for (number, row) in self.rows.iter().enumerate() {
            let cells: Vec<String> = row
                .iter()
                .zip(&widths)
                .enumerate()
                .map(|(column, (cell, &width))| {
                    if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
                })
                .collect();
            println!("| {} |", cells.join(" | "));
            if number == 0 {
                let rules: Vec<String> = widths
                    .iter()
                    .enumerate()
                    .map(|(column, &width)| match column {
                        0 => "-".repeat(width),
                        _ => format!("{}:", "-".repeat(width - 1)),
                    })
                    .collect();
                println!("| {} |", rules.join(" | "));
            }
        }
        println!();
    }
}
